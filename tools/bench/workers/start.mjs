/**
 * How long a user waits for the first denoise step: the built packages, in plain Node, as `loop-diffusion train` runs them. Ready
 * means that the step is done.
 */
import { writeSync } from 'node:fs';

import { train } from '@loop-diffusion/trainer';

const settings = JSON.parse(process.argv[2] ?? '{}');
await train({
  ...{ backend: settings.device, model: settings.model },
  prompts: settings.promptFile,
  batch: { prompts: settings.prompts, rollout: settings.batch, update: settings.batch },
  sampler: { steps: settings.steps, guidance: settings.guidance },
  algorithm: { k: settings.k },
  rewards: ['jpeg-incompressibility'],
  lora: { rank: settings.loraRank, alpha: settings.loraRank },
  evaluate: { images: 0 },
  samples: { count: 0 },
  sinks: [{ phase: endWithFirstStep }],
});

function endWithFirstStep(name, fraction) {
  if (name !== 'rollout' || fraction === 0) return;
  const report = {
    ready: true,
    versions: { Node: process.versions.node },
    peakMegabytes: (process.resourceUsage().maxRSS * 1024) / 1e6,
  };
  writeSync(1, `${JSON.stringify(report)}\n`);
  process.exit(0);
}
