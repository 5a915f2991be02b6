import { parseSamplerConfig } from './sampler-config';

/** The file of Stable Diffusion XL. */
const stableDiffusionXl = {
  _class_name: 'EulerDiscreteScheduler',
  _diffusers_version: '0.19.0.dev0',
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  beta_start: 0.00085,
  clip_sample: false,
  interpolation_type: 'linear',
  num_train_timesteps: 1000,
  prediction_type: 'epsilon',
  sample_max_value: 1.0,
  set_alpha_to_one: false,
  skip_prk_steps: true,
  steps_offset: 1,
  timestep_spacing: 'leading',
  trained_betas: null,
  use_karras_sigmas: false,
};

const levels = {
  trainTimesteps: 1000,
  betaStart: 0.0001,
  betaEnd: 0.02,
  betaSchedule: 'linear',
  trainedBetas: null,
  predictionType: 'epsilon',
  rescaleBetasZeroSnr: false,
  timestepSpacing: 'linspace',
  stepsOffset: 0,
  useKarrasSigmas: false,
  sigmaMin: null,
  sigmaMax: null,
  finalSigmasType: 'zero',
};

test("options left out take the defaults of the sampler's class, whatever the class in the file", () => {
  for (const _class_name of ['DDIMScheduler', 'PNDMScheduler', 'EulerDiscreteScheduler']) {
    expect(parseSamplerConfig({ _class_name }, 'euler')).toEqual({ sampler: 'euler', ...levels });
    expect(parseSamplerConfig({ _class_name }, 'dpm-solver++')).toEqual({
      sampler: 'dpm-solver++',
      ...levels,
      solverOrder: 2,
      solverType: 'midpoint',
      lowerOrderFinal: true,
      eulerAtFinal: false,
    });
  }
});

test('the file of Stable Diffusion XL', () => {
  expect(parseSamplerConfig(stableDiffusionXl, 'euler')).toEqual({
    sampler: 'euler',
    ...levels,
    betaSchedule: 'scaled_linear',
    betaStart: 0.00085,
    betaEnd: 0.012,
    timestepSpacing: 'leading',
    stepsOffset: 1,
  });
});

test('the file that diffusers writes of a DPM-Solver', () => {
  const config = parseSamplerConfig(
    {
      _class_name: 'DPMSolverMultistepScheduler',
      algorithm_type: 'dpmsolver++',
      dynamic_thresholding_ratio: 0.995,
      euler_at_final: true,
      final_sigmas_type: 'sigma_min',
      flow_shift: 1,
      // Python writes -Infinity, which JSON.parse does not read.
      lambda_min_clipped: -Infinity,
      lower_order_final: false,
      solver_order: 1,
      solver_type: 'heun',
      thresholding: false,
      time_shift_type: 'exponential',
      use_beta_sigmas: false,
      use_dynamic_shifting: false,
      use_exponential_sigmas: null,
      use_flow_sigmas: false,
      use_karras_sigmas: true,
      use_lu_lambdas: false,
      variance_type: null,
    },
    'dpm-solver++',
  );
  expect(config).toMatchObject({
    solverOrder: 1,
    solverType: 'heun',
    lowerOrderFinal: false,
    eulerAtFinal: true,
    finalSigmasType: 'sigma_min',
    useKarrasSigmas: true,
  });
});

test.each([
  ['euler', { interpolation_type: 'log_linear' }, /interpolation_type "log_linear" is not/],
  ['euler', { use_exponential_sigmas: true }, /use_exponential_sigmas is not supported/],
  ['euler', { use_beta_sigmas: true }, /use_beta_sigmas is not supported/],
  ['euler', { final_sigmas_type: 'none' }, /final_sigmas_type is "none", expected zero, sigma_min/],
  ['euler', { sigma_min: -1 }, /sigma_min is -1/],
  ['euler', { thresholding: true }, /thresholding is not supported/],
  ['dpm-solver++', { algorithm_type: 'sde-dpmsolver++' }, /algorithm_type "sde-dpmsolver\+\+" is/],
  ['dpm-solver++', { lambda_min_clipped: -5.1 }, /lambda_min_clipped -5.1 is not supported/],
  ['dpm-solver++', { use_lu_lambdas: true }, /use_lu_lambdas is not supported/],
  ['dpm-solver++', { solver_order: 3 }, /solver_order is 3, expected 1, 2/],
  ['dpm-solver++', { solver_type: 'rk4' }, /solver_type is "rk4", expected midpoint, heun/],
  ['dpm-solver++', { sigma_max: Infinity }, /sigma_max is Infinity/],
] as const)('%s refuses %j by name', (sampler, json, message) => {
  expect(() => parseSamplerConfig(json, sampler)).toThrow(message);
});

test("what UniPC and DEIS call their solvers is DPM-Solver's first choice, as in diffusers", () => {
  for (const options of [
    {
      _class_name: 'UniPCMultistepScheduler',
      solver_type: 'bh2',
      predict_x0: true,
      solver_p: null,
    },
    { _class_name: 'DEISMultistepScheduler', solver_type: 'logrho', algorithm_type: 'deis' },
  ]) {
    const config = parseSamplerConfig(options, 'dpm-solver++');
    expect(config).toEqual(parseSamplerConfig({}, 'dpm-solver++'));
  }
});

test('in the pipeline of Stable Diffusion 1 and 2 the steps are offset by 1', () => {
  const file = { _class_name: 'EulerDiscreteScheduler', timestep_spacing: 'leading' };
  const offsetIn = (pipeline?: 'StableDiffusionPipeline' | 'StableDiffusionXLPipeline') =>
    parseSamplerConfig(file, 'euler', pipeline).stepsOffset;
  expect([
    offsetIn(),
    offsetIn('StableDiffusionPipeline'),
    offsetIn('StableDiffusionXLPipeline'),
  ]).toEqual([0, 1, 0]);
});

test('what only the other sampler has says nothing', () => {
  expect(() =>
    parseSamplerConfig({ solver_order: 3, use_lu_lambdas: true }, 'euler'),
  ).not.toThrow();
  expect(() =>
    parseSamplerConfig({ interpolation_type: 'log_linear' }, 'dpm-solver++'),
  ).not.toThrow();
});
