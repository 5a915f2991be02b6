/** What a federated run leaves of each client: its own adapter, and what that is worth on the client's own prompts. */
import { join } from 'node:path';

import { writeFileAtomically } from '../../files/write-atomically';
import { ADAPTER_FILE } from '../../weights/adapter-file';
import { writeTrainedFile } from '../../weights/trained-file';
import type { RunEvaluator } from '../evaluator';
import type { Federation } from './federation';

/** Of the trained weights: a client's own, two moments and a control variate in the checkpoint, and its adapter in the result. */
export const COPIES_OF_A_CLIENT = 5;

/** Into `clients/NAME/`, as diffusers' `load_lora_weights` reads it. */
export async function saveClients(federation: Federation, output: string): Promise<void> {
  for (const [index, { name }] of federation.clients.entries()) {
    await federation.withPersonal(index, async (policy) => {
      writeFileAtomically(join(output, 'clients', name, ADAPTER_FILE), writeTrainedFile(policy));
    });
  }
}

export async function evaluateClients(
  federation: Federation,
  evaluator: Pick<RunEvaluator, 'ofClient'>,
): Promise<void> {
  for (const [index, client] of federation.clients.entries()) {
    await federation.withPersonal(index, (policy) => evaluator.ofClient(client, policy));
  }
}
