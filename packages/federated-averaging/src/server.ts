/** The server of federated fine-tuning: clients' weights in, those that all begin the next round with out. */

export interface ServerOptions {
  /** m / M, the part of all clients that a round has, in (0, 1]. */
  readonly sampleRate: number;
  /** s at the start: how far a server's step goes beyond the mean; falls by 1 % a round, to 1e-4. 0 is plain averaging. */
  readonly learningRate: number;
  /** Of the server's momentum, in [0, 1). */
  readonly momentum?: number | undefined;
}

/** What a client brings to a round. */
export interface ClientUpdate {
  /** n_i, which the means are weighted by. */
  readonly samples: number;
  /** w_i, the shared weights that it ended with. */
  readonly weights: ArrayLike<number>;
  /** Optimizer steps that it took from the global weights to its own. */
  readonly steps: number;
  /** Their learning rate. */
  readonly learningRate: number;
  /** c_i, its control variate as the last round that it took part in has left it; undefined for 0. */
  readonly control?: ArrayLike<number> | undefined;
}

export interface Round {
  /** What every client begins the next round with. */
  readonly weights: Float32Array;
  /** c_i of each client of this round, in their order. */
  readonly controls: readonly Float32Array[];
}

export interface ServerState {
  /** s, as the last round has left it. */
  readonly learningRate: number;
  /** The global weights w. */
  readonly weights: Float32Array;
  /** c, the server's control variate. */
  readonly control: Float32Array;
  /** v */
  readonly momentum: Float32Array;
  /** δ of the last round; undefined before the first. */
  readonly lastChange: Float32Array | undefined;
}

export interface FederatedServer {
  /**
   * A round of FedPepTAO (`fsgdm.py` of its code; arXiv 2310.15080): w̄ = Σ (n_i/n) w_i, δ = w − w̄,
   * c_i⁺ = c_i − c + (w − w_i) / (steps_i · lr_i), c ← c + rate · Σ steps_i (c_i⁺ − c_i) / Σ steps_i.
   * The first round's w is w̄. Later, with g = δ_last − δ and s ← max(0.99 s, 1e-4),
   * v_i = μ v + (1 − μ) g + c − c_i⁺ and w = Σ (n_i/n) (w̄ − s v_i), v = Σ (n_i/n) v_i.
   *
   * @throws RangeError when there is no client, one has no samples, steps or learning rate, or other numbers than the weights
   */
  round(clients: readonly ClientUpdate[]): Round;
  /** A copy; plain numbers. */
  state(): ServerState;
  /** @throws RangeError when it is of other numbers of weights */
  restore(state: ServerState): void;
}

const DECAY = 0.99;
const LEAST_LEARNING_RATE = 1e-4;

/**
 * @param weights that all clients begin with
 * @throws RangeError when an option is out of range
 */
export function createServer(
  weights: ArrayLike<number>,
  { sampleRate, learningRate, momentum = 0.9 }: ServerOptions,
): FederatedServer {
  if (!(sampleRate > 0 && sampleRate <= 1)) {
    throw new RangeError(`sampleRate is ${sampleRate}, but must be more than 0 and at most 1.`);
  }
  if (!(learningRate >= 0 && learningRate < Infinity)) {
    throw new RangeError(`learningRate is ${learningRate}, but must be 0 or more.`);
  }
  if (!(momentum >= 0 && momentum < 1)) {
    throw new RangeError(`momentum is ${momentum}, but must be from 0 to less than 1.`);
  }
  const size = weights.length;
  let current: ServerState = {
    ...{ learningRate, weights: Float32Array.from(weights) },
    ...{ control: new Float32Array(size), momentum: new Float32Array(size) },
    lastChange: undefined,
  };

  return {
    round(clients) {
      for (const [index, client] of clients.entries()) check(client, index, size);
      if (clients.length === 0) throw new RangeError('A round needs at least one client.');
      const { weights: global, lastChange } = current;
      const samples = total(clients.map((client) => client.samples));
      const steps = total(clients.map((client) => client.steps));
      const parts = clients.map((client) => ({
        ...client,
        part: client.samples / samples,
        own: client.control ?? new Float32Array(size),
      }));
      const controls = parts.map(({ own, weights: w, steps: count, learningRate: rate }) =>
        numbers(
          size,
          (at) => own[at]! - current.control[at]! + (global[at]! - w[at]!) / (count * rate),
        ),
      );
      const control = numbers(size, (at) => {
        const moved = parts.map(
          ({ own, steps: count }, i) => count * (controls[i]![at]! - own[at]!),
        );
        return current.control[at]! + (sampleRate * total(moved)) / steps;
      });
      const mean = Float64Array.from({ length: size }, (_, at) =>
        total(parts.map(({ part, weights: w }) => part * w[at]!)),
      );
      const change = numbers(size, (at) => global[at]! - mean[at]!);
      if (lastChange === undefined) {
        current = { ...current, weights: Float32Array.from(mean), control, lastChange: change };
        return { weights: Float32Array.from(mean), controls };
      }
      // A server that only averages stays one.
      const rate =
        learningRate === 0 ? 0 : Math.max(DECAY * current.learningRate, LEAST_LEARNING_RATE);
      // The mean of v_i: nothing but c_i⁺ differs between them.
      const velocity = numbers(size, (at) => {
        const gradient = lastChange[at]! - change[at]!;
        const controlOfClients = total(parts.map(({ part }, i) => part * controls[i]![at]!));
        return (
          momentum * current.momentum[at]! +
          (1 - momentum) * gradient +
          control[at]! -
          controlOfClients
        );
      });
      const next = numbers(size, (at) => mean[at]! - rate * velocity[at]!);
      current = {
        ...{ learningRate: rate, weights: next, control, momentum: velocity },
        lastChange: change,
      };
      return { weights: next.slice(), controls };
    },
    state: () => copy(current),
    restore(state) {
      const vectors = [state.weights, state.control, state.momentum, state.lastChange];
      for (const vector of vectors) {
        if (vector === undefined || vector.length === size) continue;
        throw new RangeError(`The state is of ${vector.length} weights, and there are ${size}.`);
      }
      current = copy(state);
    },
  };
}

function check(
  { samples, steps, learningRate, weights, control }: ClientUpdate,
  index: number,
  size: number,
): void {
  for (const [name, value] of Object.entries({ samples, steps, learningRate })) {
    if (value > 0 && value < Infinity) continue;
    throw new RangeError(`Client ${index} has ${name} ${value}, which must be more than 0.`);
  }
  for (const vector of [weights, control]) {
    if (vector === undefined || vector.length === size) continue;
    throw new RangeError(
      `Client ${index} has ${vector.length} numbers, and there are ${size} weights.`,
    );
  }
}

function copy(state: ServerState): ServerState {
  return {
    learningRate: state.learningRate,
    weights: state.weights.slice(),
    control: state.control.slice(),
    momentum: state.momentum.slice(),
    lastChange: state.lastChange?.slice(),
  };
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function numbers(size: number, at: (index: number) => number): Float32Array {
  return Float32Array.from({ length: size }, (_, index) => at(index));
}
