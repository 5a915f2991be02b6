import { setImmediate } from 'node:timers/promises';

/**
 * Lets the event loop turn once: tensor work blocks it, and neither Ctrl-C nor a timer is seen until it turns.
 *
 * @throws the signal's reason when it is aborted
 */
export async function nextTurn(signal?: AbortSignal): Promise<void> {
  await setImmediate();
  signal?.throwIfAborted();
}
