/** Prompts made by a program. Each has a family, and evaluations say the mean reward of each. */
import { train } from '@loop-diffusion/trainer';

const colours = ['red', 'green', 'blue', 'yellow'];
const shapes = ['circle', 'square', 'triangle'];
const prompts = colours.flatMap((colour) =>
  shapes.map((shape) => ({ text: `a ${colour} ${shape}`, family: colour })),
);
// One of each colour is kept for evaluation, another shape each time.
const isHeldOut = (_, index) => index % 3 === Math.floor(index / 3) % 3;

const { summary } = await train({
  prompts: prompts.filter((...each) => !isHeldOut(...each)),
  evaluate: { prompts: prompts.filter(isHeldOut), images: 8, guidances: [] },
  rewards: ['shapes'],
  iterations: Number(process.argv[2] ?? 20),
  batch: { prompts: 4 },
});
for (const [family, { mean, count }] of Object.entries(summary.evaluation.after.families)) {
  console.log(`${family}: ${mean.toFixed(3)} over ${count} images`);
}
