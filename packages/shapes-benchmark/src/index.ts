export { shapesModelFolder } from './model-folder';
export {
  CANVAS_SIZE,
  type Colour,
  COLOURS,
  type Rgb,
  type Shape,
  SHAPES,
  type Texture,
  TEXTURES,
} from './palette';
export {
  countPrompt,
  FAMILIES,
  type Family,
  pairPrompt,
  parsePrompt,
  PROMPT_GRAMMAR,
  PromptSyntaxError,
  type Relation,
  RELATIONS,
  type SceneObject,
  type ShapesPrompt,
  singlePrompt,
  spatialPrompt,
} from './prompt';
export {
  allPrompts,
  evaluationPrompts,
  HELD_OUT_COMBINATIONS,
  heldOutPrompts,
  samplePrompts,
  TRAINING_COMBINATIONS,
  trainingPrompts,
} from './prompt-sets';
export { drawScene, layOutScene, type PlacedObject, renderScene, type Scene } from './renderer';
export { scoreScene, type SceneScore } from './score-scene';
export { shapesReward } from './shapes-reward';
