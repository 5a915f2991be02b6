/**
 * The program of the thread that the SDK runs in. In the run's own thread its handler of Ctrl-C would end the process in the
 * middle of an iteration, an answer that it does not expect would be an exception that nobody catches, and tensor work would
 * hold up its deliveries.
 */

export interface WandbWorkerData {
  /** The SDK's file. */
  readonly sdk: string;
  /** For `wandb.init`. */
  readonly run: object;
}

export type WandbOrder =
  | { readonly log: Record<string, number>; readonly step: number }
  | { readonly finish: { readonly exitCode: number } };

export type WandbReport = { readonly problem: string } | { readonly finished: true };

/** CommonJS for `new Worker(…, { eval: true })`: a file of its own would have to be found again in every build. */
export const WANDB_WORKER = `
const { parentPort, workerData } = require('node:worker_threads');
const report = (message) => parentPort.postMessage(message);
const problem = (error) => report({ problem: String(error?.message ?? error) });

// What the SDK prints belongs to no table of iterations.
console.log = () => undefined;
console.error = (...parts) => problem(parts.map((part) => part?.message ?? part).join(' '));

const started = Promise.resolve().then(() => {
  const { wandb } = require(workerData.sdk);
  return wandb.init(workerData.run);
});
started.catch(problem);

parentPort.on('message', (order) => {
  started
    .then(async (run) => {
      if (order.log !== undefined) run.log(order.log, order.step);
      else await run.finish(order.finish.exitCode);
    })
    .catch(() => undefined)
    .finally(() => {
      if (order.finish !== undefined) report({ finished: true });
    });
});
`;
