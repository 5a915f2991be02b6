/**
 * Images a second that rewards score, for the README of `rewards`. Nothing else may run.
 *
 *     node -C @loop/source --import tsx tools/rewards/throughput.ts
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { counterNormal } from '@loop-diffusion/diffusion-mdp';
import {
  imageQuality,
  jpegIncompressibility,
  scoreAll,
  type Image,
  type Reward,
} from '@loop-diffusion/rewards';
import { remoteReward } from '@loop-diffusion/rewards/remote';
import { heldOutPrompts, shapesReward } from '@loop-diffusion/shapes-benchmark';

/** Of one measurement, the first of which is thrown away. */
const SECONDS = 4;

/** Smooth fields with some noise: neither as small as a flat picture nor as large as noise alone. */
function picture(side: number, sample: number): Image {
  const key = { seed: 0, prompt: 0, sample, step: 0, stream: 0 };
  const noise = counterNormal(key, side * side * 3);
  const data = Float32Array.from(noise, (value, index) => {
    const pixel = Math.floor(index / 3);
    const wave = Math.sin((pixel % side) / 9 + sample) + Math.sin(pixel / side / 7 + (index % 3));
    return Math.min(1, Math.max(0, 0.5 + 0.2 * wave + 0.02 * value));
  });
  return { width: side, height: side, data };
}

interface Rate {
  readonly perSecond: number;
  /** By the processor time of all threads of this process. */
  readonly perCore: number;
}

async function measure(images: readonly Image[], score: () => Promise<unknown>): Promise<Rate> {
  let rate: Rate | undefined;
  for (let round = 0; round < 2; round += 1) {
    const start = performance.now();
    const usage = process.cpuUsage();
    let scored = 0;
    while (performance.now() - start < 1000 * SECONDS) {
      await score();
      scored += images.length;
    }
    const { user, system } = process.cpuUsage(usage);
    rate = {
      perSecond: (1000 * scored) / (performance.now() - start),
      perCore: (1e6 * scored) / (user + system),
    };
  }
  return rate!;
}

function report(what: string, { perSecond, perCore }: Rate): void {
  console.log(
    `${what.padEnd(44)} ${perSecond.toFixed(0).padStart(6)} images/s ${perCore.toFixed(0).padStart(6)} a core`,
  );
}

async function measureReward(what: string, reward: Reward, images: readonly Image[]) {
  const texts = heldOutPrompts().map(({ text }) => text);
  const prompts = images.map((_, index) => texts[index % texts.length] ?? '');
  const check = async () => {
    const failed = (await scoreAll(reward, { images, prompts })).find(({ ok }) => !ok);
    if (failed?.ok === false) throw new Error(failed.message);
  };
  report(what, await measure(images, check));
}

/** A server of the JPEG reward in a process of its own. */
async function startServer(): Promise<{ url: string; stop(): void }> {
  const command = `
    import { runRewardsCommandLine } from '@loop-diffusion/rewards/command-line';
    process.exitCode = await runRewardsCommandLine(['serve', '--reward', 'jpeg-incompressibility', '--port', '0', '--json']);`;
  const child = spawn(
    process.execPath,
    ['-C', '@loop/source', '--import', 'tsx', '--input-type=module', '-e', command],
    { cwd: fileURLToPath(new URL('.', import.meta.url)), stdio: ['ignore', 'pipe', 'inherit'] },
  );
  for await (const line of createInterface({ input: child.stdout })) {
    const { url } = JSON.parse(line) as { url: string };
    return { url, stop: () => child.kill() };
  }
  throw new Error('The server ended before it was ready.');
}

const small = Array.from({ length: 64 }, (_, sample) => picture(64, sample));
const large = Array.from({ length: 16 }, (_, sample) => picture(512, sample));

await measureReward('JPEG, 64×64', jpegIncompressibility(), small);
await measureReward('JPEG, 512×512', jpegIncompressibility(), large);
await measureReward('shapes, 64×64', shapesReward(), small);
for (const [size, images] of [
  ['64×64', small],
  ['512×512', large],
] as const) {
  const quality = () => Promise.all(images.map(imageQuality));
  report(`image quality, ${size}`, await measure(images, quality));
}

const server = await startServer();
try {
  const remote = await remoteReward({ url: server.url });
  await measureReward('JPEG through a server on this machine, 64×64', remote, small);
  await measureReward('JPEG through a server on this machine, 512×512', remote, large);
} finally {
  server.stop();
}
