import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { planDenoiseSteps } from '@loop-diffusion/diffusion-mdp';

import { PIPELINE } from '../testing/fixtures';
import { openModel } from './open-model';

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'loop-diffusion-')), 'model');
  cpSync(PIPELINE, folder, { recursive: true });
});
afterEach(() => {
  rmSync(join(folder, '..'), { recursive: true });
});

async function scheduleOf(model: string) {
  const opened = await openModel({ model });
  opened.dispose();
  return opened.schedule;
}

/** What Stable Diffusion was trained with. */
const noise = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear' };

// `StableDiffusionPipeline.from_pretrained(folder, scheduler=DDIMScheduler.from_pretrained(…))` of diffusers 0.35.2 draws the
// same with all of these and with the folder's own file.
test.each([
  { _class_name: 'DDIMScheduler', set_alpha_to_one: false, steps_offset: 1 },
  { _class_name: 'DDIMScheduler', set_alpha_to_one: false, clip_sample: true, steps_offset: 1 },
  { _class_name: 'DDIMScheduler', set_alpha_to_one: false, clip_sample: false, steps_offset: 0 },
  { _class_name: 'PNDMScheduler', set_alpha_to_one: false, skip_prk_steps: true },
])('%j draws as the pipeline of diffusers does', async (options) => {
  const file = join(folder, 'scheduler/scheduler_config.json');
  writeFileSync(file, JSON.stringify({ ...noise, ...options }));
  const [changed, own] = [await scheduleOf(folder), await scheduleOf(PIPELINE)];
  expect(changed.config).toEqual(own.config);
});

test("the file of Euler's class neither clips nor jumps past the next timestep", async () => {
  const file = join(folder, 'scheduler/scheduler_config.json');
  const euler = { _class_name: 'EulerDiscreteScheduler', timestep_spacing: 'linspace' };
  writeFileSync(file, JSON.stringify({ ...noise, ...euler }));
  const schedule = await scheduleOf(folder);
  expect(schedule.config.clipSample).toBe(false);
  const plan = planDenoiseSteps(schedule, { steps: 4, eta: 1 });
  expect(plan.map(({ timestep }) => timestep)).toEqual([999, 666, 333, 0]);
  expect(plan.map(({ previousTimestep }) => previousTimestep)).toEqual([666, 333, 0, -1]);
});
