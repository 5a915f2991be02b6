import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  allPrompts,
  renderScene,
  type Family,
  type ShapesPrompt,
} from '@loop-diffusion/shapes-benchmark';
import { imageSide } from './configuration';
import { streams, uniformStream } from './random';
import { writeWhole } from './state';

/** Scenes rendered for the autoencoder. */
export const sceneCount = 40_960;

/** Of these, the UNet trains on so many. */
export const latentCount = 24_576;

/** How often each family is drawn: more where a small model finds it hard. */
const familyShares: Readonly<Record<Family, number>> = {
  colour: 0.2,
  shape: 0.15,
  texture: 0.2,
  spatial: 0.25,
  numeracy: 0.2,
};

const scenesPerFile = 4096;
const bytesPerScene = imageSide * imageSide * 3;

/** Rendered scenes and their captions, by index; the pictures as bytes, RGB, row-major. */
export interface SceneSet {
  readonly count: number;
  readonly prompts: readonly ShapesPrompt[];
  pixels(index: number): Uint8Array;
}

/** The prompt of scene `index`, and the generator that goes on to draw its layout. */
function sceneStart(seed: number, index: number): { prompt: ShapesPrompt; random: () => number } {
  const random = uniformStream(seed, streams.scenes, index);
  let left = random();
  for (const [family, share] of Object.entries(familyShares)) {
    const prompts = promptsByFamily().get(family as Family) ?? [];
    left -= share;
    if (left < 0) {
      const prompt = prompts[Math.floor(random() * prompts.length)];
      if (prompt === undefined) throw new Error(`the family "${family}" has no prompts`);
      return { prompt, random };
    }
  }
  return sceneStart(seed, index + 1);
}

let groups: Map<Family, ShapesPrompt[]> | undefined;

function promptsByFamily(): Map<Family, ShapesPrompt[]> {
  if (groups === undefined) {
    groups = new Map();
    for (const prompt of allPrompts()) {
      const group = groups.get(prompt.family);
      if (group === undefined) groups.set(prompt.family, [prompt]);
      else group.push(prompt);
    }
  }
  return groups;
}

/** Renders what is not yet on disk, a file of some thousand scenes at a time, and loads all of it. */
export function prepareScenes(
  folder: string,
  seed: number,
  count: number,
  report: (line: string) => void,
): SceneSet {
  const files: Uint8Array[] = [];
  for (let first = 0; first < count; first += scenesPerFile) {
    const path = join(folder, `scenes-${String(seed)}-${String(first)}.bin`);
    if (!existsSync(path)) {
      const bytes = new Uint8Array(scenesPerFile * bytesPerScene);
      for (let offset = 0; offset < scenesPerFile; offset++) {
        const { prompt, random } = sceneStart(seed, first + offset);
        renderScene(prompt, random).image.data.forEach((value, i) => {
          bytes[offset * bytesPerScene + i] = Math.round(255 * value);
        });
      }
      writeWhole(path, bytes);
      report(
        `scenes: ${String(Math.min(count, first + scenesPerFile))} of ${String(count)} rendered`,
      );
    }
    files.push(readFileSync(path));
  }
  return {
    count,
    prompts: Array.from({ length: count }, (_, index) => sceneStart(seed, index).prompt),
    pixels(index) {
      const file = files[Math.floor(index / scenesPerFile)];
      if (file === undefined || index >= count)
        throw new RangeError(`there is no scene ${String(index)}`);
      const start = (index % scenesPerFile) * bytesPerScene;
      return file.subarray(start, start + bytesPerScene);
    },
  };
}
