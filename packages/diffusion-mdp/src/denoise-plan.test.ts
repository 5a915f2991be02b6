import fc from 'fast-check';
import { planDenoiseSteps } from './denoise-plan';
import { alphaCumprodAt, createNoiseSchedule } from './noise-schedule';
import { parseSchedulerConfig } from './scheduler-config';

const stableDiffusion = {
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  clip_sample: false,
  set_alpha_to_one: false,
  steps_offset: 1,
};

const schedule = (json: Record<string, unknown>) => createNoiseSchedule(parseSchedulerConfig(json));

test("ᾱ of Stable Diffusion's schedule", () => {
  const { alphasCumprod, finalAlphaCumprod } = schedule(stableDiffusion);
  expect(alphasCumprod[0]).toBeCloseTo(0.99915, 6);
  expect(alphasCumprod[1]).toBeCloseTo(0.998296, 6);
  expect(alphasCumprod[981]).toBeCloseTo(0.0057755, 7);
  expect(finalAlphaCumprod).toBe(alphasCumprod[0]);
  expect(schedule({ ...stableDiffusion, set_alpha_to_one: true }).finalAlphaCumprod).toBe(1);
});

test('betas given outright', () => {
  const given = schedule({ num_train_timesteps: 2, trained_betas: [0.1, 0.2] });
  expect(given.alphasCumprod[0]).toBeCloseTo(0.9, 7);
  expect(given.alphasCumprod[1]).toBeCloseTo(0.72, 7);
  expect(() => alphaCumprodAt(given, 2)).toThrow(
    'Timestep 2 lies outside the noise schedule, expected 0 to 1.',
  );
});

// Variances that diffusers' own tests state for the linear schedule, with their five digits.
test.each([
  { steps: 50, timestep: 420, previous: 400, variance: 0.14771 },
  { steps: 50, timestep: 980, previous: 960, variance: 0.3246 },
  { steps: 1000, timestep: 487, previous: 486, variance: 0.00979 },
  { steps: 1000, timestep: 999, previous: 998, variance: 0.02 },
])('variance of $timestep → $previous', ({ steps, timestep, previous, variance }) => {
  const plan = planDenoiseSteps(schedule({}), { steps, eta: 1 });
  const step = plan.find((one) => one.timestep === timestep)!;
  expect(step.previousTimestep).toBe(previous);
  expect(Math.abs(step.sigma ** 2 - variance)).toBeLessThan(1e-5);
});

test.each([
  [981, 0.454463],
  [501, 0.294785],
  [21, 0.03948],
  [1, 0.020648],
])('σ of 50 steps of Stable Diffusion at t = %d', (timestep, sigma) => {
  const plan = planDenoiseSteps(schedule(stableDiffusion), { steps: 50, eta: 1 });
  expect(plan.find((step) => step.timestep === timestep)!.sigma).toBeCloseTo(sigma, 6);
});

test('any plan goes down in time, and σ is proportional to η', () => {
  const spacing = fc.constantFrom('leading', 'trailing', 'linspace');
  const steps = fc.integer({ min: 1, max: 60 });
  const eta = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(spacing, steps, eta, (timestep_spacing, count, size) => {
      const noise = schedule({ ...stableDiffusion, timestep_spacing });
      const plan = planDenoiseSteps(noise, { steps: count, eta: size });
      const full = planDenoiseSteps(noise, { steps: count, eta: 1 });
      expect(plan).toHaveLength(count);
      const falling = plan
        .slice(1)
        .every(({ timestep }, index) => timestep < plan[index]!.timestep);
      const proportional = plan.every(
        ({ sigma }, index) => Math.abs(sigma - size * full[index]!.sigma) <= 1e-7,
      );
      expect([falling, proportional]).toEqual([true, true]);
      expect(plan.map(({ index }) => index)).toEqual(plan.map((_, index) => index));
    }),
    { numRuns: 60 },
  );
});

test('trailing timesteps go where numpy rounds their halves', () => {
  // numpy.arange(1000, 0, -1000 / 48).round() - 1: 937.4999999999999 at the fourth place, 875 at the seventh.
  const plan = planDenoiseSteps(schedule({ timestep_spacing: 'trailing' }), { steps: 48, eta: 0 });
  expect(plan.slice(0, 7).map(({ timestep }) => timestep)).toEqual([
    999, 978, 957, 936, 916, 895, 874,
  ]);
});

describe('in a pipeline', () => {
  const inPipeline = (json: Record<string, unknown>) =>
    createNoiseSchedule(
      parseSchedulerConfig({ ...stableDiffusion, ...json }, 'StableDiffusionPipeline'),
    );

  test.each([
    ['linspace', 4],
    ['linspace', 10],
    ['linspace', 1],
    ['trailing', 13],
    ['trailing', 10],
    ['leading', 3],
    ['leading', 50],
  ])('every step of %s spacing arrives where the next of %d begins', (spacing, steps) => {
    const plan = planDenoiseSteps(inPipeline({ timestep_spacing: spacing }), { steps, eta: 1 });
    plan.slice(1).forEach(({ timestep, alphaCumprod }, index) => {
      expect(plan[index]!.previousTimestep).toBe(timestep);
      expect(plan[index]!.previousAlphaCumprod).toBe(alphaCumprod);
    });
    expect(plan.at(-1)!.previousTimestep).toBeLessThan(0);
  });

  test('leading steps, and trailing ones that divide training, are those of diffusers', () => {
    for (const [spacing, steps] of [
      ['leading', 27],
      ['leading', 999],
      ['trailing', 20],
    ] as const) {
      const options = { timestep_spacing: spacing };
      const [ours, theirs] = [
        inPipeline(options),
        schedule({ ...stableDiffusion, ...options }),
      ].map((noise) =>
        planDenoiseSteps(noise, { steps, eta: 1 }).map((step) => ({
          ...step,
          previousTimestep: Math.max(step.previousTimestep, -1),
        })),
      );
      expect(ours).toEqual(theirs);
    }
  });
});

test('steps that arrive at no noise, or at themselves, are deterministic', () => {
  const last = (json: Record<string, unknown>) =>
    planDenoiseSteps(schedule({ ...stableDiffusion, ...json }), { steps: 10, eta: 1 }).at(-1)!;
  expect(last({}).sigma).toBeGreaterThan(0);
  expect(last({ set_alpha_to_one: true }).sigma).toBe(0);
  expect(last({ steps_offset: 0 }).sigma).toBe(0);
  expect(planDenoiseSteps(schedule(stableDiffusion), { steps: 4, eta: 0 })[0]!.sigma).toBe(0);
});

test('noise in a window of steps: those within are of the stochastic plan, the others of the deterministic one', () => {
  const noise = schedule(stableDiffusion);
  const [stochastic, deterministic] = [0.7, 0].map((eta) =>
    planDenoiseSteps(noise, { steps: 10, eta }),
  );
  const eta = [0, 0, 0.7, 0.7, 0.7, 0, 0, 0, 0, 0];
  const plan = planDenoiseSteps(noise, { steps: 10, eta });
  expect(plan.map(({ sigma }) => sigma > 0)).toEqual(eta.map((each) => each > 0));
  expect(plan).toEqual(eta.map((each, index) => (each > 0 ? stochastic : deterministic)![index]));
});

test('what cannot be planned is refused', () => {
  const noise = schedule(stableDiffusion);
  expect(() => planDenoiseSteps(noise, { steps: 0, eta: 1 })).toThrow(
    'Denoise steps must be a whole number from 1 to 1000, got 0.',
  );
  expect(() => planDenoiseSteps(noise, { steps: 2.5, eta: 1 })).toThrow(/got 2.5/);
  expect(() => planDenoiseSteps(noise, { steps: 1001, eta: 1 })).toThrow(/got 1001/);
  expect(() => planDenoiseSteps(noise, { steps: 10, eta: -1 })).toThrow(/eta must be.*got -1/);
  expect(() => planDenoiseSteps(noise, { steps: 10, eta: NaN })).toThrow(/got NaN/);
  expect(() => planDenoiseSteps(noise, { steps: 10, eta: 3 })).toThrow(/eta 3 asks for more noise/);
  expect(() => planDenoiseSteps(noise, { steps: 3, eta: [1, 1] })).toThrow(
    new RangeError('eta must be one number, or one per denoise step (3), got 2.'),
  );
  expect(() => planDenoiseSteps(noise, { steps: 2, eta: [1, -1] })).toThrow(/eta must be.*got -1/);
  expect(() => planDenoiseSteps(noise, { steps: 2, eta: [0, 3] })).toThrow(/eta 3 asks for more/);
  // The first of 1000 steps would be timestep 1000.
  expect(() => planDenoiseSteps(noise, { steps: 1000, eta: 1 })).toThrow(/start at timestep 1000/);
});

test('a schedule without terminal signal cannot predict ε there, but v', () => {
  const zero = { ...stableDiffusion, rescale_betas_zero_snr: true, timestep_spacing: 'trailing' };
  expect(() => planDenoiseSteps(schedule(zero), { steps: 10, eta: 1 })).toThrow(
    /Timestep 999 has no signal left.*v_prediction/,
  );
  const velocity = schedule({ ...zero, prediction_type: 'v_prediction' });
  expect(planDenoiseSteps(velocity, { steps: 10, eta: 1 })[0]!.alphaCumprod).toBe(0);
});
