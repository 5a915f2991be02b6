/** How much a layer's outputs tell samples apart, by which layers are chosen that clients share (FedPepTAO, arXiv 2310.15080). */
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';

/** Keeps ln and 1/e finite; the published code's. */
const FLOOR = 1e-5;

/**
 * ζ = Σ_j (ln e_j + 1/e_j) over the eigenvalues of the batch's cosine matrix, each a little raised (`run_getscore.py` of the
 * paper's code). It is b for b rows at right angles, and large where rows are alike: 1/e_j of a vanishing eigenvalue outweighs
 * all else.
 *
 * @param states of a layer, `[b samples, numbers]`: what it gives for each sample
 * @returns ζ, from b upwards
 * @throws RangeError when there are no samples, rows differ in length, or one has no direction: all 0, or not finite
 */
export function layerScore(states: readonly ArrayLike<number>[]): number {
  const units = states.map((row, index) => unit(row, index, states[0]!.length));
  if (units.length === 0) throw new RangeError('A layer is scored by at least one sample.');
  const cosines = units.map((row) => units.map((other) => product(row, other)));
  const decomposition = new EigenvalueDecomposition(new Matrix(cosines), { assumeSymmetric: true });
  return decomposition.realEigenvalues
    .map((value) => Math.max(value, 0) + FLOOR)
    .reduce((sum, value) => sum + Math.log(value) + 1 / value, 0);
}

export interface ScoredClient {
  /** n_i, of which the mean over clients is weighted by. */
  readonly samples: number;
  /** ζ of each layer by its name. */
  readonly scores: Readonly<Record<string, number>>;
}

/**
 * The layers in the order in which they are chosen: by ζ = Σ_i (n_i / n) ζ_i, the largest first as in the published code. Layers
 * of the same score stay in the order that they have.
 *
 * @param clients with scores of the same layers
 * @throws RangeError when there is no client or none has samples, or one lacks a layer that another has
 */
export function rankLayers(clients: readonly ScoredClient[]): { layer: string; score: number }[] {
  const samples = clients.reduce((sum, client) => sum + client.samples, 0);
  if (!(samples > 0)) throw new RangeError('Layers are ranked by clients with samples.');
  const layers = Object.keys(clients[0]!.scores);
  for (const [index, { scores }] of clients.entries()) {
    const unlike =
      Object.keys(scores).length !== layers.length || !layers.every((l) => l in scores);
    if (unlike) throw new RangeError(`Client ${index} has scores of other layers than client 0.`);
  }
  return layers
    .map((layer) => ({
      layer,
      score: clients.reduce(
        (sum, client) => sum + (client.samples / samples) * client.scores[layer]!,
        0,
      ),
    }))
    .sort((one, other) => other.score - one.score);
}

function unit(row: ArrayLike<number>, index: number, length: number): Float64Array {
  if (row.length !== length) {
    throw new RangeError(`Sample ${index} has ${row.length} numbers, and sample 0 has ${length}.`);
  }
  let squares = 0;
  for (let place = 0; place < row.length; place += 1) squares += row[place]! ** 2;
  const norm = Math.sqrt(squares);
  if (!(norm > 0 && norm < Infinity)) {
    throw new RangeError(`Sample ${index} has no direction: its length is ${norm}.`);
  }
  return Float64Array.from(row, (value) => value / norm);
}

function product(one: Float64Array, other: Float64Array): number {
  return one.reduce((sum, value, index) => sum + value * other[index]!, 0);
}
