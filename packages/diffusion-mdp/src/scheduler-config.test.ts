import { parseSchedulerConfig } from './scheduler-config';

test('options left out take DDIM defaults, whatever the class in the file', () => {
  for (const _class_name of [
    'DDIMScheduler',
    'PNDMScheduler',
    'DDPMScheduler',
    'EulerDiscreteScheduler',
    'DPMSolverMultistepScheduler',
  ]) {
    expect(parseSchedulerConfig({ _class_name, _diffusers_version: '0.35.2' })).toEqual({
      trainTimesteps: 1000,
      betaStart: 0.0001,
      betaEnd: 0.02,
      betaSchedule: 'linear',
      trainedBetas: null,
      predictionType: 'epsilon',
      timestepSpacing: 'leading',
      stepsOffset: 0,
      setAlphaToOne: true,
      clipSample: true,
      clipSampleRange: 1,
      useClippedModelOutput: false,
      rescaleBetasZeroSnr: false,
    });
  }
});

test('the file of a Stable Diffusion 1 checkpoint', () => {
  const config = parseSchedulerConfig({
    _class_name: 'PNDMScheduler',
    _diffusers_version: '0.6.0',
    beta_end: 0.012,
    beta_schedule: 'scaled_linear',
    beta_start: 0.00085,
    num_train_timesteps: 1000,
    set_alpha_to_one: false,
    skip_prk_steps: true,
    steps_offset: 1,
    trained_betas: null,
    clip_sample: false,
  });
  expect(config).toMatchObject({
    betaSchedule: 'scaled_linear',
    betaStart: 0.00085,
    betaEnd: 0.012,
    stepsOffset: 1,
    setAlphaToOne: false,
    clipSample: false,
  });
});

test('what only other samplers have says nothing of a DDIM step', () => {
  const other = { use_karras_sigmas: true, solver_order: 3, final_sigmas_type: 'sigma_min' };
  expect(parseSchedulerConfig(other)).toEqual(parseSchedulerConfig({}));
});

test.each([
  [null, /JSON object/],
  [[], /JSON object/],
  [{ _class_name: 'LCMScheduler' }, /"LCMScheduler" is not supported.*DDIM/],
  [{ beta_schedule: 'exp' }, /beta_schedule is "exp", expected linear, scaled_linear/],
  [{ prediction_type: 'flow' }, /prediction_type is "flow"/],
  [{ timestep_spacing: 'even' }, /timestep_spacing is "even"/],
  [{ thresholding: true }, /thresholding is not supported/],
  [{ use_flow_sigmas: true }, /use_flow_sigmas is not supported/],
  [{ variance_type: 'learned_range' }, /variance_type "learned_range" is not supported/],
  [
    { timestep_type: 'continuous' },
    /timestep_type "continuous" is not supported, expected discrete/,
  ],
  [{ use_karras_sigma: true }, /unknown option "use_karras_sigma"/],
  [{ num_train_timesteps: 0 }, /num_train_timesteps is 0, expected a whole number/],
  [{ num_train_timesteps: '1000' }, /num_train_timesteps is "1000"/],
  [{ steps_offset: -1 }, /steps_offset is -1/],
  [{ beta_start: -0.1 }, /beta_start is -0.1/],
  [{ beta_end: null }, /beta_end is null/],
  [{ clip_sample: 'no' }, /clip_sample is "no", expected true or false/],
  [{ trained_betas: 'x' }, /trained_betas is "x"/],
  [{ trained_betas: [0.1, 2] }, /trained_betas is 2/],
  [{ trained_betas: [0.1, 0.2] }, /holds 2 values, expected num_train_timesteps = 1000/],
])('refuses %j by name', (json, message) => {
  expect(() => parseSchedulerConfig(json)).toThrow(message);
});

test('betas given outright are taken as they are', () => {
  const config = parseSchedulerConfig({ num_train_timesteps: 2, trained_betas: [0.1, 0.2] });
  expect(config.trainedBetas).toEqual([0.1, 0.2]);
});
