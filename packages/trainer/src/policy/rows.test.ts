import * as tf from '@tensorflow/tfjs-core';

import { cutRows, joinRows } from './rows';

const values = (tensor: tf.Tensor) => [...tensor.dataSync()];

it('cuts what has a row for each image, and nothing else', () => {
  const batch = {
    sample: tf.reshape<tf.Rank.R2>(tf.range(0, 10), [5, 2]),
    moment: { columns: tf.range(0, 5), deterministic: false },
    empty: tf.ones([1, 2]),
    weight: tf.scalar(3),
  };
  const [first, second] = cutRows(batch, 2);
  expect(values(first!.sample)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(values(second!.sample)).toEqual([6, 7, 8, 9]);
  expect(values(second!.moment.columns)).toEqual([3, 4]);
  expect(second!.moment.deterministic).toBe(false);
  expect(second!.empty).toBe(batch.empty);
  expect(second!.weight).toBe(batch.weight);
});

it('puts the parts together as they were', () => {
  const sample = tf.reshape<tf.Rank.R2>(tf.range(0, 14), [7, 2]);
  for (const parts of [1, 2, 3, 7]) {
    const joined = joinRows(cutRows({ sample }, parts).map((part) => part.sample));
    expect(joined.shape).toEqual([7, 2]);
    expect(values(joined)).toEqual(values(sample));
  }
});
