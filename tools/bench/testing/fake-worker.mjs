/**
 * A worker for the tests: appends its name to a log at each repetition, so that the order can be seen.
 *
 *   node fake-worker.mjs '{"name": …, "log": …, "mode": "good" | "fails at start" | "fails at work" | "off policy"}'
 */
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const { name, log, mode = 'good' } = JSON.parse(process.argv[2]);
const say = (report) => console.log(JSON.stringify(report));

if (mode === 'fails at start') throw new RangeError('the model is missing');
console.log('a library says hello');
console.log('{"of": "no interest"}');
const onPolicyDeviation = mode === 'off policy' ? 0.02 : 1e-6;
say({ ready: true, versions: { fake: '1' }, peakMegabytes: 10, onPolicyDeviation });
let repetitions = 0;
for await (const line of createInterface({ input: process.stdin })) {
  if (line !== 'go') continue;
  repetitions += 1;
  appendFileSync(log, `${name} `);
  if (mode === 'fails at work') {
    console.error('ValueError: out of numbers');
    process.exit(3);
  }
  say({ seconds: { total: repetitions }, peakMegabytes: 10 + repetitions });
}
