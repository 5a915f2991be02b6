import { chooseTrainedSteps } from './trained-steps';

const steps = [0, 1, 2, 4, 5, 7];

it('takes all steps unless a number is given, or if it is not smaller', () => {
  expect(chooseTrainedSteps(steps, null, 0, 0)).toEqual(steps);
  expect(chooseTrainedSteps(steps, 6, 0, 0)).toEqual(steps);
  expect(chooseTrainedSteps(steps, 99, 0, 0)).toEqual(steps);
});

it('draws as many as asked for, different ones, in order, the same for the same seed and iteration', () => {
  for (let iteration = 0; iteration < 20; iteration += 1) {
    const chosen = chooseTrainedSteps(steps, 3, 1, iteration);
    expect(chosen.length).toBe(3);
    expect(new Set(chosen).size).toBe(3);
    expect([...chosen].sort((a, b) => a - b)).toEqual(chosen);
    expect(chosen.every((step) => steps.includes(step))).toBe(true);
    expect(chooseTrainedSteps(steps, 3, 1, iteration)).toEqual(chosen);
  }
});

it('draws every step equally often', () => {
  const counts = new Map(steps.map((step) => [step, 0]));
  const rounds = 3000;
  for (let iteration = 0; iteration < rounds; iteration += 1) {
    for (const step of chooseTrainedSteps(steps, 2, 7, iteration)) {
      counts.set(step, (counts.get(step) ?? 0) + 1);
    }
  }
  // Binomial with p = 1/3: standard deviation 26, and five of them.
  for (const count of counts.values()) expect(Math.abs(count - rounds / 3)).toBeLessThan(130);
});
