/** The weights of a policy that training changes: its adapter's, or all of its UNet where it has none. */
import type { LoraAdapter, StableDiffusion, Weights } from '@loop-diffusion/diffusion-models';

/** The part of a policy that has weights. */
export interface Network {
  readonly unet: StableDiffusion['unet'];
  readonly adapter?: LoraAdapter | undefined;
}

/** @returns by the names that they have in their file */
export function trainedWeights({ unet, adapter }: Network): Weights {
  return adapter?.weights ?? unet.weights;
}

/** The same with other weights in the place of the trained ones. */
export function withTrainedWeights<Given extends Network>(network: Given, weights: Weights): Given {
  const { unet, adapter } = network;
  return adapter === undefined
    ? { ...network, unet: { ...unet, weights } }
    : { ...network, adapter: { ...adapter, weights } };
}

/** The same with the trained weights given one by one, in their order. */
export function withWeights<Given extends Network>(
  network: Given,
  weights: readonly Weights[string][],
): Given {
  const names = Object.keys(trainedWeights(network));
  return withTrainedWeights(
    network,
    Object.fromEntries(names.map((name, index) => [name, weights[index] as Weights[string]])),
  );
}
