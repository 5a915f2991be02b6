import { planDenoiseSteps } from '@loop-diffusion/diffusion-mdp';
import * as tf from '@tensorflow/tfjs-core';

import { resolveConfig } from '../configuration/resolve-config';
import { loop } from '../methods/loop';
import { nft } from '../methods/nft';
import { qvpo } from '../methods/qvpo';
import type { Objective } from '../methods/method';
import { openTinyPolicy, type TinyPolicy } from '../testing/tiny-policy';
import { trainedWeights } from '../weights/trained-weights';
import { drawIteration } from './draw-iteration';
import type { Run } from './run';

let tiny: TinyPolicy;
beforeAll(async () => {
  tiny = await openTinyPolicy();
});
afterAll(() => {
  tiny.dispose();
});

const { signal } = new AbortController();

function runWith(objective: Objective, overrides: string[] = [], more: Partial<Run> = {}): Run {
  const plan = planDenoiseSteps(tiny.policy.schedule, { steps: 2, eta: 1 });
  return {
    config: resolveConfig({}, ['algorithm.k=2', ...overrides]),
    ...{ policy: tiny.policy, base: tiny.policy, objective, average: undefined },
    steps: { at: () => ({ plan, trained: [0] }) },
    ...more,
  } as unknown as Run;
}

/** Two images for each of two prompts. */
async function draw(run: Run, firstPrompt = 0) {
  const texts = { ...tiny.drawn, promptOfImage: [0, 0, 0, 0] };
  const onBatch = async () => undefined;
  const onProgress = () => undefined;
  const drawn = await drawIteration(run, {
    ...{ iteration: 0, firstPrompt, texts, onBatch, onProgress, signal },
  });
  const originals = drawn.originals.gather([0, 1, 2, 3]);
  const values = await originals.data<'float32'>();
  originals.dispose();
  const latents = [0, 1, 2, 3].map((image) => values.slice(image * 256, (image + 1) * 256));
  return { ...drawn, latents };
}

const loopObjective = loop.objective({});

test('noise is that of the prompt’s number in the run and of its sample', async () => {
  const [first, later] = [
    await draw(runWith(loopObjective)),
    await draw(runWith(loopObjective), 1),
  ];
  expect(later.latents[0]).toEqual(first.latents[2]);
  expect(first.latents[0]).not.toEqual(first.latents[1]);
});

test('where the images of a prompt share it, only the beginning is the same', async () => {
  const { trajectories, latents } = await draw(
    runWith(loopObjective, ['sampler.sharedNoise=true']),
  );
  const begun = [0, 1, 2, 3].map((image) => trajectories!.latents(image).slice(0, 256));
  expect(begun[0]).toEqual(begun[1]);
  expect(begun[0]).not.toEqual(begun[2]);
  expect(latents[0]).not.toEqual(latents[1]);
});

test('a method on images keeps the same last latents, and may let its average draw', async () => {
  const nftObjective = nft.objective(nft.settings!.parse({}));
  const expected = await draw(runWith(loopObjective));
  const trained = Object.values(trainedWeights(tiny.policy));
  const average = { weights: trained } as unknown as Run['average'];
  const same = await draw(runWith(nftObjective, [], { average }));
  expect(same.trajectories).toBeUndefined();
  expect(same.latents).toEqual(expected.latents);
  const moved = { weights: trained.map((weight) => tf.add(weight, 0.2)) };
  const other = await draw(
    runWith(nftObjective, [], { average: moved as unknown as Run['average'] }),
  );
  expect(other.latents).not.toEqual(expected.latents);
});

test('images that join are noise, or drawn by the base from noise of their own', async () => {
  const extra = async (entropyFrom: 'base' | 'noise') => {
    const settings = qvpo.settings!.parse({ entropyWeight: 0.01, entropySamples: 3, entropyFrom });
    const run = runWith(qvpo.objective(settings));
    const { originals, promptOfImage } = (await draw(run)).extra!;
    expect(promptOfImage).toEqual([0, 0, 0]);
    const tensor = originals.gather([0, 1, 2]);
    expect(() => originals.gather([3])).toThrow('There is no image 3');
    const { mean, variance } = tf.moments(tensor);
    return [mean, variance].map((value) => value.dataSync()[0]!);
  };
  const [mean, variance] = await extra('noise');
  // 768 standard normals: deviations 0.036 and 0.051.
  expect(Math.abs(mean!)).toBeLessThan(0.15);
  expect(Math.abs(variance! - 1)).toBeLessThan(0.2);
  expect((await extra('base'))[1]).not.toBeCloseTo(variance!, 3);
  expect((await draw(runWith(loopObjective))).extra).toBeUndefined();
});
