import { NativeTensorflowError } from '../errors';

/** What is wrong with a cluster, in one sentence: its description, or a worker that is gone or does not come. */
export class ClusterError extends NativeTensorflowError {
  override readonly name = 'ClusterError';
  /** The index of the worker that is to blame; undefined where that is not known. */
  readonly worker: number | undefined;

  constructor(message: string, options: ErrorOptions & { readonly worker?: number } = {}) {
    super('cluster', message, options);
    this.worker = options.worker;
  }
}
