/** Layers that diffusion-models keeps to itself, to be measured one by one. */
/* eslint-disable @nx/enforce-module-boundaries -- see above */
export { scaledGeglu } from '../../../packages/diffusion-models/src/layers/activations';
export { attend } from '../../../packages/diffusion-models/src/layers/attend';
export { projectContext } from '../../../packages/diffusion-models/src/layers/attention';
export { convolution } from '../../../packages/diffusion-models/src/layers/convolution';
export { groupNorm } from '../../../packages/diffusion-models/src/layers/group-norm';
export {
  residualBlock,
  residualBlockShapes,
} from '../../../packages/diffusion-models/src/layers/residual-block';
export { initializeWeights, shapeCollector } from '../../../packages/diffusion-models/src/shapes';
export {
  transformer,
  transformerShapes,
} from '../../../packages/diffusion-models/src/unet/transformer';
