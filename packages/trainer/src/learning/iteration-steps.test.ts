import { createNoiseSchedule, parseSchedulerConfig } from '@loop-diffusion/diffusion-mdp';

import { resolveConfig } from '../configuration/resolve-config';
import { createIterationSteps } from './iteration-steps';

const schedule = createNoiseSchedule(parseSchedulerConfig({ beta_schedule: 'scaled_linear' }));

const stepsOf = (overrides: string[], learnsFrom: 'trajectories' | 'images' = 'trajectories') =>
  createIterationSteps(schedule, resolveConfig({}, overrides), { learnsFrom });

test('without a window every iteration has the same plan and trains the configured steps', () => {
  const steps = stepsOf(['sampler.steps=6']);
  const { plan, trained } = steps.at(0);
  expect(plan).toHaveLength(6);
  expect(trained).toEqual([0, 1, 2, 3]);
  expect(steps.at(7)).toEqual({ plan, trained });
});

test('with a window only its steps have randomness, and only they are trained', () => {
  const steps = stepsOf([
    'sampler={"steps":8,"window":{"size":2,"stride":2,"every":3}}',
    'algorithm.timesteps={"from":1,"to":7}',
  ]);
  const random = (iteration: number) =>
    steps
      .at(iteration)
      .plan.filter(({ sigma }) => sigma > 0)
      .map(({ index }) => index);
  expect([0, 2, 3, 6, 9].map(random)).toEqual([
    [1, 2],
    [1, 2],
    [3, 4],
    [5, 6],
    [1, 2],
  ]);
  for (const iteration of [0, 4, 8]) {
    expect(steps.at(iteration).trained).toEqual(random(iteration));
  }
  const one = stepsOf(['sampler={"steps":8,"window":{"size":3}}', 'algorithm.timesteps.count=1']);
  const { trained } = one.at(0);
  expect(trained).toHaveLength(1);
  expect([0, 1, 2]).toContain(trained[0]);
});

test('a method that learns from the images trains no step, and needs no randomness', () => {
  const { plan, trained } = stepsOf(['algorithm.name=nft', 'sampler.eta=0'], 'images').at(0);
  expect(trained).toEqual([]);
  expect(plan.every(({ sigma }) => sigma === 0)).toBe(true);
});

test('steps without randomness are told with those that have it', () => {
  // The last step arrives at no noise.
  expect(() => stepsOf(['sampler.steps=3', 'algorithm.timesteps={"from":2,"to":3}'])).toThrow(
    /none of the denoise steps 2 to 2.*those with randomness are 0 to 1/,
  );
});
