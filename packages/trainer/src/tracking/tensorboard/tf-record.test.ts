import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { FIXTURES } from '../../testing/fixtures';
import { readEventFile } from '../../testing/read-event-file';
import { scalarValue, summaryEvent } from './event';
import { tfRecord } from './tf-record';

// Written by TensorFlow itself, through the summary writer of @tensorflow/tfjs-node-gpu: these scalars.
const path = join(FIXTURES, 'tensorboard', 'tensorflow.tfevents');
const scalars = [
  { step: 1, tag: 'reward/mean', value: 0.25 },
  { step: 300, tag: 'loss', value: -1.5e-4 },
  { step: 300_000, tag: 'loss', value: 0 },
];

test('records of scalars are byte for byte those of TensorFlow', () => {
  const [version, ...written] = readEventFile(path);
  expect(version!.fileVersion).toBe('brain.Event:2');
  const records = scalars.map(({ step, tag, value }, index) =>
    tfRecord(summaryEvent(written[index]!.seconds, step, [scalarValue(tag, value)])),
  );
  const ours = Buffer.concat(records).toString('hex');
  expect(readFileSync(path).toString('hex').slice(-ours.length)).toBe(ours);
  expect(written).toHaveLength(scalars.length);
});
