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
      rescaleBetasZeroSnr: false,
    });
  }
});

const latent = {
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  num_train_timesteps: 1000,
};

// `clip_sample` and `steps_offset` that `StableDiffusionPipeline.from_pretrained(folder, scheduler=DDIMScheduler.from_pretrained(…))`
// of diffusers 0.35.2 has.
test.each([
  { _class_name: 'DDIMScheduler', clip_sample: false, steps_offset: 1 },
  { _class_name: 'DDIMScheduler' },
  { _class_name: 'DDIMScheduler', clip_sample: true, steps_offset: 1 },
  { _class_name: 'DDIMScheduler', clip_sample: false, steps_offset: 0 },
  { _class_name: 'PNDMScheduler', skip_prk_steps: true, steps_offset: 7 },
  { _class_name: 'EulerDiscreteScheduler', interpolation_type: 'linear', steps_offset: 0 },
  { _class_name: 'DPMSolverMultistepScheduler', algorithm_type: 'dpmsolver++', steps_offset: 0 },
])('in the pipeline of Stable Diffusion 1 and 2, %j neither clips nor starts at 0', (options) => {
  const config = parseSchedulerConfig({ ...latent, ...options }, 'StableDiffusionPipeline');
  expect(config).toMatchObject({ clipSample: false, stepsOffset: 1, betaStart: 0.00085 });
});

test.each([
  // The constructor of XL's pipeline mends nothing.
  [{ _class_name: 'DDIMScheduler', clip_sample: true, steps_offset: 0 }, true, 0],
  [{ _class_name: 'DDIMScheduler' }, true, 0],
  [{ _class_name: 'DDIMScheduler', clip_sample: false, steps_offset: 1 }, false, 1],
  // But what other classes leave out, as they have no such option, is not clipping.
  [{ _class_name: 'EulerDiscreteScheduler', steps_offset: 1 }, false, 1],
  [{ _class_name: 'EulerDiscreteScheduler', clip_sample: true }, true, 0],
  [{ _class_name: 'UniPCMultistepScheduler', disable_corrector: [] }, false, 0],
])('in the pipeline of Stable Diffusion XL %j', (options, clipSample, stepsOffset) => {
  const config = parseSchedulerConfig({ ...latent, ...options }, 'StableDiffusionXLPipeline');
  expect(config).toMatchObject({ clipSample, stepsOffset });
});

test('what is malformed is refused in a pipeline too', () => {
  expect(() => parseSchedulerConfig({ clip_sample: 'no' }, 'StableDiffusionPipeline')).toThrow(
    /clip_sample is "no"/,
  );
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
  [{ beta_end: NaN }, /beta_end is NaN, expected a number from 0 to 1/],
  [{ clip_sample_range: Infinity }, /clip_sample_range is Infinity, expected a number from 0 on/],
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
