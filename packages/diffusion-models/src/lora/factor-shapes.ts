import { weightKey } from './adapter-paths';

/** Weights, or what else tells their shapes. */
export type Shaped = Readonly<Record<string, { readonly shape: readonly number[] }>>;

export interface FactorShapes {
  readonly down: readonly number[];
  readonly up: readonly number[];
}

/**
 * The factors of a module as this library keeps them: `[rank, in]` and `[out, rank]` of a linear layer,
 * `[height, width, in, rank]` and `[1, 1, rank, out]` of a convolution.
 *
 * @param why begins the message: what wants this module
 * @throws Error when the model has no such module, or it is neither
 */
export function factorShapes(model: Shaped, path: string, rank: number, why: string): FactorShapes {
  const shape = moduleShape(model, path, why);
  if (shape.length === 2) {
    const [outputs, inputs] = shape as [number, number];
    return { down: [rank, inputs], up: [outputs, rank] };
  }
  const [height, width, inputs, outputs] = shape as [number, number, number, number];
  return { down: [height, width, inputs, rank], up: [1, 1, rank, outputs] };
}

/**
 * The shapes of a module's weight and of its factors in files, which have PyTorch's order: `[rank, in]` and `[out, rank]`, or
 * `[rank, in, height, width]` and `[out, rank, 1, 1]`.
 *
 * @throws Error as {@link factorShapes} does
 */
export function storedShapes<Rank extends number | string>(
  model: Shaped,
  path: string,
  rank: Rank,
  why: string,
): { weight: readonly number[]; down: (number | Rank)[]; up: (number | Rank)[] } {
  const shape = moduleShape(model, path, why);
  const axes = shape.length === 2 ? [0, 1] : [3, 2, 0, 1];
  const weight = axes.map((axis) => shape[axis] as number);
  const [outputs, inputs, ...size] = weight as [number, number, ...number[]];
  return { weight, down: [rank, inputs, ...size], up: [outputs, rank, ...size.map(() => 1)] };
}

function moduleShape(model: Shaped, path: string, why: string): readonly number[] {
  const shape = model[weightKey(path)]?.shape;
  if (shape === undefined) {
    throw new Error(`${why} ${JSON.stringify(path)}, which this model does not have.`);
  }
  if (shape.length !== 2 && shape.length !== 4) {
    throw new Error(
      `${why} ${JSON.stringify(path)}, which is neither a linear layer nor a convolution: its weight has the shape [${shape.join(', ')}].`,
    );
  }
  return shape;
}
