import { loadPipeline } from '../testing/fixtures';
import { makeRunFolder } from '../testing/tiny-run';
import { red, termOf } from '../testing/example-rewards';
import * as tf from '@tensorflow/tfjs-core';

import { differencesBetween, originOf } from './origin';

test('tells settings, rewards, prompts and the model apart, and leaves no tensors', async () => {
  const folder = makeRunFolder();
  const model = await loadPipeline();
  try {
    const parts = {
      config: folder.configFor('run'),
      backend: { name: 'cpu', version: '1', kernels: { set: null, reason: '' } } as const,
      model,
      prompts: [{ text: 'a' }, { text: 'b' }],
      heldOut: [{ text: 'c' }],
      rewards: [termOf(red)],
      workers: 1,
    };
    const tensors = tf.memory().numTensors;
    const before = originOf(parts);
    const differences = (changed: Partial<typeof parts>) =>
      differencesBetween(before, originOf({ ...parts, ...changed }));
    expect(differences({})).toEqual([]);
    const kernels = { set: 'avx2', reason: '' } as const;
    const withKernels = originOf({ ...parts, backend: { ...parts.backend, kernels } });
    expect(differencesBetween(before, withKernels)).toEqual([
      "kernels was TensorFlow's own and is avx2",
    ]);
    // Where a run is, how long it goes on and what is kept of it changes no number.
    const elsewhere = ['iterations=9', 'checkpoint.every=7', 'samples.count=1', 'lora.from=x'];
    expect(differences({ config: folder.configFor('elsewhere', elsewhere) })).toEqual([]);
    expect(differences({ config: folder.configFor('run', ['lora=null']) })).toContain(
      'lora.rank was 8 and is gone',
    );
    expect(differences({ prompts: [{ text: 'b' }, { text: 'a' }] })).toEqual([
      expect.stringMatching(/^digest of the training prompts was \w{12} and is \w{12}$/),
    ]);
    expect(differences({ rewards: [termOf({ ...red, version: '2' })] })).toEqual([
      expect.stringMatching(/^reward red was version 1,.* and is version 2,/),
    ]);
    const withCode = originOf({ ...parts, code: new Uint8Array([1]) });
    expect(differencesBetween(withCode, originOf({ ...parts, code: new Uint8Array([2]) }))).toEqual(
      [expect.stringMatching(/^digest of the method's module was \w{12} and is \w{12}$/)],
    );
    const [name, weight] = Object.entries(model.vae.weights).at(-1)!;
    const other = tf.add(weight, 1);
    const vae = { ...model.vae, weights: { ...model.vae.weights, [name]: other } };
    expect(differences({ model: { ...model, vae } })).toEqual([
      expect.stringMatching(/^digest of the model was \w{12} and is \w{12}$/),
    ]);
    other.dispose();
    expect(tf.memory().numTensors).toBe(tensors);
  } finally {
    model.dispose();
    folder.remove();
  }
});
