import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
  appendFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import {
  float32Tensor,
  readSafetensors,
  toFloat32Array,
  writeSafetensors,
  type SafetensorsTensor,
} from '@loop-diffusion/safetensors';
import type { Parameter, Parameters } from './optimizer';

/** Where a training stands besides its tensors. */
export interface Progress {
  readonly step: number;
  readonly imagesSeen: number;
  /** Seconds of training so far, over all resumptions. */
  readonly seconds: number;
  /** Of the latents that a UNet was trained on. */
  readonly scalingFactor?: number;
}

const roles = ['weight', 'firstMoment', 'secondMoment', 'average'] as const;

/** Writes everything to `path` so that an interruption leaves the former file or the new one, never half of one. */
export function saveTraining(path: string, parameters: Parameters, progress: Progress): void {
  const tensors = Object.entries(parameters).flatMap(([key, parameter]) =>
    roles.map((role): [string, SafetensorsTensor] => [
      `${role}/${key}`,
      float32Tensor(parameter[role], parameter.shape),
    ]),
  );
  writeWhole(path, writeSafetensors(tensors, { progress: JSON.stringify(progress) }));
}

/** The training that was saved at `path`, or null when there is none. */
export function loadTraining(path: string): { parameters: Parameters; progress: Progress } | null {
  if (!existsSync(path)) return null;
  const file = readSafetensors(readFileSync(path));
  const stored = (role: string, key: string): SafetensorsTensor => {
    const tensor = file.tensors.get(`${role}/${key}`);
    if (tensor === undefined)
      throw new Error(`${path} lacks "${role}/${key}"; delete it to begin anew`);
    return tensor;
  };
  const prefix = 'weight/';
  const parameters: Record<string, Parameter> = {};
  for (const name of file.tensors.keys()) {
    if (!name.startsWith(prefix)) continue;
    const key = name.slice(prefix.length);
    parameters[key] = {
      shape: stored('weight', key).shape,
      weight: toFloat32Array(stored('weight', key)),
      firstMoment: toFloat32Array(stored('firstMoment', key)),
      secondMoment: toFloat32Array(stored('secondMoment', key)),
      average: toFloat32Array(stored('average', key)),
    };
  }
  return { parameters, progress: JSON.parse(file.metadata['progress'] ?? '{}') as Progress };
}

/** Writes beside `path`, then renames. */
export function writeWhole(path: string, content: Uint8Array | string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.partial`, content);
  renameSync(`${path}.partial`, path);
}

/** Adds a line to a log of JSON lines. */
export function appendLog(path: string, entry: Readonly<Record<string, unknown>>): void {
  mkdirSync(dirname(path), { recursive: true });
  appendFileSync(path, `${JSON.stringify(entry)}\n`);
}
