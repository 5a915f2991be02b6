import { createLoraAdapter } from '@loop-diffusion/diffusion-models';
import * as tf from '@tensorflow/tfjs-core';

import type { TrainConfig } from '../../configuration/schema';
import type { Policy } from '../../policy/policy';
import { adapterRandom } from '../../weights/adapter-random';
import type { Client } from './clients';
import { bestModules } from './score-modules';
import { adaptedModules, sharedModules } from './shared-modules';

/**
 * The modules that clients share, by their paths; none where there are no clients.
 *
 * @param policy as training finds it
 * @throws UserError when the configuration names a module that is not adapted, or a module cannot be scored
 */
export async function chooseModules(
  config: TrainConfig,
  policy: Policy,
  clients: readonly Client[],
): Promise<string[]> {
  const { federated, lora, seed } = config;
  if (federated === null || lora === null) return [];
  // Which modules the targets name.
  const { weights } = createLoraAdapter(policy.unet.weights, lora, adapterRandom(seed));
  tf.dispose(weights);
  const modules = adaptedModules(Object.keys(weights));
  const { layers } = federated;
  return typeof layers === 'number'
    ? bestModules(policy, clients, config, { modules, part: layers })
    : sharedModules(layers, modules);
}
