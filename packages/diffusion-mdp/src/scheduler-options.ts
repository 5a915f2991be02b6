/** The options of a `scheduler_config.json`, one by one: those of every class read here, with what no sampler here can do refused. */

/** The file's options by their names in it. */
export type SchedulerOptions = ReadonlyMap<string, unknown>;

/** Classes whose file says what noise a network was trained with. Which sampler runs is not the file's to say. */
const ACCEPTED_CLASSES = [
  'DDIMScheduler',
  'DDPMScheduler',
  'PNDMScheduler',
  'EulerDiscreteScheduler',
  'EulerAncestralDiscreteScheduler',
  'DPMSolverMultistepScheduler',
  'DPMSolverSinglestepScheduler',
  'UniPCMultistepScheduler',
  'DEISMultistepScheduler',
  'HeunDiscreteScheduler',
  'KDPM2DiscreteScheduler',
  'KDPM2AncestralDiscreteScheduler',
  'LMSDiscreteScheduler',
];

/** Every option that one of the classes has. A sampler reads its own, as diffusers' `from_config` does. */
const KNOWN = new Set([
  // All
  ...['num_train_timesteps', 'beta_start', 'beta_end', 'beta_schedule', 'trained_betas'],
  ...['prediction_type', 'timestep_spacing', 'steps_offset', 'rescale_betas_zero_snr'],
  // DDIM, DDPM and PNDM
  ...['set_alpha_to_one', 'clip_sample', 'clip_sample_range', 'skip_prk_steps', 'variance_type'],
  ...['thresholding', 'dynamic_thresholding_ratio', 'sample_max_value'],
  // Euler and DPM-Solver
  ...['final_sigmas_type', 'use_karras_sigmas', 'use_exponential_sigmas', 'use_beta_sigmas'],
  ...['sigma_min', 'sigma_max', 'interpolation_type', 'timestep_type'],
  // DPM-Solver
  ...['algorithm_type', 'solver_order', 'solver_type', 'lower_order_final', 'euler_at_final'],
  ...['lambda_min_clipped', 'use_lu_lambdas'],
  ...['use_flow_sigmas', 'flow_shift', 'use_dynamic_shifting', 'time_shift_type'],
  // UniPC
  ...['predict_x0', 'disable_corrector', 'solver_p'],
]);

/**
 * @param json the parsed content of `scheduler_config.json`
 * @throws Error naming the class or the option that is unknown, or that changes what the network or its noise is in a way that
 * no sampler here knows
 */
export function readSchedulerOptions(json: unknown): SchedulerOptions {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new Error(
      'Scheduler configuration: expected a JSON object with options such as num_train_timesteps.',
    );
  }
  const options = new Map<string, unknown>(Object.entries(json));
  const className = options.get('_class_name');
  if (className !== undefined && !ACCEPTED_CLASSES.some((accepted) => accepted === className)) {
    throw new Error(
      `Scheduler configuration: _class_name ${JSON.stringify(className)} is not supported, expected one of ` +
        `${ACCEPTED_CLASSES.join(', ')}. Save the model with DDIMScheduler.from_config(pipeline.scheduler.config).`,
    );
  }
  for (const name of options.keys()) {
    if (!KNOWN.has(name) && !name.startsWith('_')) {
      throw new Error(
        `Scheduler configuration: unknown option "${name}". Remove it if it does not change a step of the sampler.`,
      );
    }
  }
  for (const name of ['thresholding', 'use_flow_sigmas', 'use_dynamic_shifting']) {
    refuseSwitch(options, name);
  }
  // The network of a learned variance predicts more than ε, and that of continuous timesteps is told ¼ ln σ.
  refuseUnless(options, 'variance_type', [
    null,
    'fixed_small',
    'fixed_small_log',
    'fixed_large',
    'fixed_large_log',
  ]);
  refuseUnless(options, 'timestep_type', ['discrete']);
  return options;
}

/** @throws Error when the option is switched on */
export function refuseSwitch(options: SchedulerOptions, name: string): void {
  if (flag(options, name, false)) {
    throw new Error(`Scheduler configuration: ${name} is not supported, expected false.`);
  }
}

/** @throws Error when the option has another value than those allowed */
export function refuseUnless(
  options: SchedulerOptions,
  name: string,
  allowed: readonly (string | number | null)[],
): void {
  const value = options.get(name);
  if (value === undefined || allowed.some((one) => one === value)) return;
  throw new Error(
    `Scheduler configuration: ${name} ${typeof value === 'number' ? String(value) : JSON.stringify(value)} is not supported, expected ` +
      `${allowed.map(String).join(', ')}.`,
  );
}

export function fail(name: string, value: unknown, expected: string): never {
  throw new Error(
    `Scheduler configuration: ${name} is ${typeof value === 'number' ? String(value) : JSON.stringify(value)}, expected ${expected}.`,
  );
}

export function numberIn<Fallback extends number | null>(
  options: SchedulerOptions,
  name: string,
  fallback: Fallback,
  low: number,
  high: number,
): number | Fallback {
  const value = options.get(name);
  if (value === undefined || (value === null && fallback === null)) return fallback;
  if (typeof value !== 'number' || !(value >= low && value <= high && Number.isFinite(value))) {
    fail(name, value, `a number from ${low} ${high === Infinity ? 'on' : `to ${high}`}`);
  }
  return value;
}

export function wholeNumber(
  options: SchedulerOptions,
  name: string,
  fallback: number,
  low: number,
): number {
  const value = options.get(name);
  if (value === undefined) return fallback;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < low) {
    fail(name, value, `a whole number of at least ${low}`);
  }
  return value;
}

export function flag(options: SchedulerOptions, name: string, fallback: boolean): boolean {
  const value = options.get(name);
  if (value === undefined) return fallback;
  // Python's None: the switches that diffusers declares Optional.
  if (value === null && !fallback) return false;
  if (typeof value !== 'boolean') fail(name, value, 'true or false');
  return value;
}

export function oneOf<Choice extends string | number>(
  options: SchedulerOptions,
  name: string,
  fallback: Choice,
  choices: readonly Choice[],
): Choice {
  const value = options.get(name);
  if (value === undefined) return fallback;
  return choices.find((choice) => choice === value) ?? fail(name, value, choices.join(', '));
}
