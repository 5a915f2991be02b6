import { importPeers } from '../optional-peer';
import type { ModelFiles } from './model-files';

/** Numbers with their shape, row-major. */
export interface Floats {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

/** Token ids or masks with their shape, row-major. */
export interface Integers {
  readonly data: BigInt64Array;
  readonly dims: readonly number[];
}

/** A graph that is open, in words that no library shows in. */
export interface OnnxModel {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /**
   * @param feeds what is not among the graph's inputs is left out
   * @param output the name of one of {@link outputs}
   * @throws {Error} when the graph has an input that is not fed, an output that is no float32, or was disposed of
   */
  run(feeds: Readonly<Record<string, Floats | Integers>>, output: string): Promise<Floats>;
  /** Waits for what is running, and frees the graph. */
  readonly dispose: () => Promise<void>;
}

export interface OnnxOptions {
  /** Threads that one operation may take; as many as there are cores when left out. */
  readonly intraOpNumThreads?: number | undefined;
}

/**
 * Opens a graph on the CPU, at once: a broken file is found before anything is sampled.
 *
 * @param path of the graph in the model's folder; weights that it keeps beside it are found by themselves
 * @throws {Error} in one sentence when onnxruntime is missing or the file is no graph
 */
export async function openOnnxModel(
  reward: string,
  files: ModelFiles,
  path: string,
  { intraOpNumThreads }: OnnxOptions = {},
): Promise<OnnxModel> {
  const place = await files.locate(path);
  await files.find(`${path}_data`);
  const { InferenceSession, Tensor } = await importPeers(
    reward,
    ['onnxruntime-node'],
    () => import('onnxruntime-node'),
  );
  const session = await InferenceSession.create(place, {
    executionProviders: ['cpu'],
    logSeverityLevel: 3,
    ...(intraOpNumThreads === undefined ? {} : { intraOpNumThreads }),
  }).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`'${path}' is no graph that onnxruntime opens: ${reason}`, { cause: error });
  });
  const running = new Set<Promise<unknown>>();
  let disposal: Promise<void> | undefined;

  async function runOnce(
    feeds: Readonly<Record<string, Floats | Integers>>,
    output: string,
  ): Promise<Floats> {
    const entries = session.inputNames.map((name) => {
      const feed = feeds[name];
      if (feed === undefined) {
        throw new Error(
          `'${path}' has an input '${name}'; expected only ${Object.keys(feeds).join(', ')}`,
        );
      }
      const { data, dims } = feed;
      return [
        name,
        data instanceof Float32Array
          ? new Tensor('float32', data, dims)
          : new Tensor('int64', data, dims),
      ] as const;
    });
    const result = (await session.run(Object.fromEntries(entries), [output]))[output];
    if (result?.type !== 'float32') {
      throw new Error(
        `'${path}' gives '${output}' as ${String(result?.type)}; expected float32, so export it without halves`,
      );
    }
    return { data: result.data as Float32Array, dims: result.dims };
  }

  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    async run(feeds, output) {
      if (disposal !== undefined) {
        throw new Error(`Reward "${reward}" was disposed of; make a new one to score`);
      }
      const run = runOnce(feeds, output);
      running.add(run);
      try {
        return await run;
      } finally {
        running.delete(run);
      }
    },
    dispose() {
      disposal ??= Promise.allSettled(running).then(() => session.release());
      return disposal;
    },
  };
}

/**
 * The name of the output to read.
 *
 * @throws {Error} when the graph has none of those names
 */
export function outputNamed(model: OnnxModel, path: string, names: readonly string[]): string {
  const name = names.find((each) => model.outputs.includes(each));
  if (name !== undefined) return name;
  throw new Error(
    `'${path}' has the outputs ${model.outputs.join(', ')}; expected ${names.join(' or ')}`,
  );
}

/**
 * Cuts an output `[batch, …]` into its rows.
 *
 * @throws {Error} when the output is not of that many rows
 */
export function rowsOf({ data, dims }: Floats, batch: number): Float32Array[] {
  const size = data.length / batch;
  if (dims[0] !== batch || !Number.isSafeInteger(size) || size < 1) {
    throw new Error(
      `A graph gave [${dims.join(', ')}] for a batch of ${batch}; expected a row each`,
    );
  }
  return Array.from({ length: batch }, (_, row) => data.slice(row * size, (row + 1) * size));
}
