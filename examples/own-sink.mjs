/** A sink: told of everything that happens in a run, with the images where it asks for them, and it may end the run. */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { encodePng } from '@loop-diffusion/rewards';
import { train } from '@loop-diffusion/trainer';

const folder = process.argv[3] ?? 'runs/own-sink';
mkdirSync(folder, { recursive: true });

/** A line per iteration, its best image, and no more iterations than the reward needs. */
const table = {
  async iteration({ iteration, reward, rewards }, drawn) {
    appendFileSync(join(folder, 'rewards.csv'), `${iteration},${reward.mean},${reward.std}\n`);
    const { images } = await drawn();
    const best = rewards.indexOf(Math.max(...rewards.filter(Number.isFinite)));
    writeFileSync(join(folder, `best-${iteration}.png`), await encodePng(images[best]));
    if (reward.mean > 0.95) return { stop: `a mean reward of ${reward.mean.toFixed(3)}` };
  },
  evaluation({ name, mean, standardError }) {
    console.log(`${name}: ${mean.toFixed(3)} ± ${standardError.toFixed(3)}`);
  },
};

const { summary } = await train({
  rewards: ['shapes'],
  iterations: Number(process.argv[2] ?? 20),
  batch: { prompts: 4 },
  evaluate: { images: 8, guidances: [] },
  sinks: [table],
});
console.log(summary.stopped ?? `${summary.iterations} iterations`);
