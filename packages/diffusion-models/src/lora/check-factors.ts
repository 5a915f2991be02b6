import type { LoraAdapter, Weights } from '../types';
import { adaptedPaths, downKey, upKey } from './adapter-paths';
import { factorShapes } from './factor-shapes';
import { moduleScale } from './module-scale';

/** @throws Error when the adapter changes a module that this model lacks or has in another shape */
export function checkFactors(weights: Weights, adapter: LoraAdapter): void {
  for (const path of adaptedPaths(adapter)) {
    const { rank } = moduleScale(adapter, path);
    const expected = factorShapes(weights, path, rank, 'The adapter changes');
    const shapes = [downKey(path), upKey(path)].map((key) =>
      adapter.weights[key]?.shape.join(', '),
    );
    const expectedShapes = [expected.down.join(', '), expected.up.join(', ')];
    if (shapes.join(' | ') !== expectedShapes.join(' | ')) {
      throw new Error(
        `The adapter is of another model: for ${JSON.stringify(path)} it has down [${shapes[0] ?? ''}] and up [${shapes[1] ?? ''}], expected [${expectedShapes.join('] and [')}].`,
      );
    }
  }
}
