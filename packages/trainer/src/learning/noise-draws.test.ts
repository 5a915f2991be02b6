import { createNoiseSchedule, parseSchedulerConfig } from '@loop-diffusion/diffusion-mdp';

import { createNoiseDraws } from './noise-draws';

const schedule = createNoiseSchedule(parseSchedulerConfig({ beta_schedule: 'scaled_linear' }));

test('a draw is a function of the run’s seed, the prompt’s number in it, and its own number', () => {
  const [first, again, later] = [0, 0, 3].map((prompt) =>
    createNoiseDraws(schedule, 7, prompt, 16),
  );
  expect(first!(3, 1)).toEqual(again!(3, 1));
  // The fourth prompt of an iteration that begins with the run's first is the first of one that begins with its fourth.
  expect(later!(0, 1)).toEqual(first!(3, 1));
  const others = [first!(3, 2), first!(2, 1), createNoiseDraws(schedule, 8, 0, 16)(3, 1)];
  for (const other of others) expect(other.noise).not.toEqual(first!(3, 1).noise);
});

test('timesteps are uniform over those that the network was trained on', () => {
  const drawOf = createNoiseDraws(schedule, 0, 0, 1);
  const timesteps = Array.from({ length: 4000 }, (_, draw) => drawOf(0, draw).step.timestep);
  const quarters = [0, 1, 2, 3].map(
    (quarter) => timesteps.filter((timestep) => Math.floor(timestep / 250) === quarter).length,
  );
  // Binomial with a deviation of 27; four of them.
  for (const count of quarters) expect(Math.abs(count - 1000)).toBeLessThan(110);
  expect(Math.max(...timesteps)).toBeLessThan(1000);
});

test('where no signal is left a prediction of noise tells nothing, and the timestep is left out', () => {
  const without = createNoiseSchedule(
    parseSchedulerConfig({ rescale_betas_zero_snr: true, num_train_timesteps: 2 }),
  );
  const drawOf = createNoiseDraws(without, 0, 0, 1);
  const timesteps = Array.from({ length: 50 }, (_, draw) => drawOf(0, draw).step.timestep);
  expect(new Set(timesteps)).toEqual(new Set([0]));
});
