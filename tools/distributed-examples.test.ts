/** What starts a run on several machines, as far as it can be tried on one. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { clusterFromTfConfig } from '@loop-diffusion/native-tensorflow';
import { parse } from 'yaml';

const ROOT = join(__dirname, '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'distributed-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Runs a script with programs that say what they were called with. */
function calls(command: readonly string[], programs: readonly string[], env: object): string {
  for (const program of programs) {
    writeFileSync(join(folder, program), `#!/bin/sh\necho ${program} "$@"\n`, { mode: 0o755 });
  }
  const PATH = `${folder}:${process.env['PATH'] ?? ''}`;
  const [program = '', ...args] = command;
  return execFileSync(program, args, { cwd: folder, env: { PATH, ...env }, encoding: 'utf8' });
}

test('the job of Slurm begins a run, and goes on with it when it is requeued', () => {
  const job = ['bash', join(ROOT, 'examples/distributed/slurm.sh'), 'my-run.yaml'];
  const env = { SLURM_JOB_ID: '7' };
  expect(calls(job, ['srun'], env)).toBe(
    'srun npx loop-diffusion train my-run.yaml --set output=runs/slurm-7\n',
  );
  execFileSync('mkdir', ['-p', join(folder, 'runs/slurm-7')]);
  writeFileSync(join(folder, 'runs/slurm-7/events.jsonl'), '');
  expect(calls(job, ['srun'], env)).toBe('srun npx loop-diffusion resume runs/slurm-7\n');
});

interface Job {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly tfReplicaSpecs: Record<
      string,
      { readonly replicas: number; readonly template: { readonly spec: Pod } }
    >;
  };
}

interface Pod {
  readonly containers: readonly {
    readonly name: string;
    readonly command: readonly string[];
    readonly args: readonly string[];
    readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  }[];
}

test('a TFJob says to each worker which one it is', () => {
  const { kind, metadata, spec } = parse(read('examples/distributed/tfjob.yaml')) as Job;
  const { Worker: worker, ...others } = spec.tfReplicaSpecs;
  expect([kind, others]).toEqual(['TFJob', {}]);
  const [container] = worker!.template.spec.containers;
  // As the training operator looks for them.
  expect(container).toMatchObject({ name: 'tensorflow', ports: [{ name: 'tfjob-port' }] });
  // As it names the services of a job's replicas (pkg/controller.v1/tensorflow/tensorflow.go).
  const port = String(container!.ports[0]!.containerPort);
  const workers = Array.from(
    { length: worker!.replicas },
    (_, index) => `${metadata.name}-worker-${String(index)}.default.svc:${port}`,
  );
  for (const index of workers.keys()) {
    const config = { cluster: { worker: workers }, task: { type: 'worker', index } };
    const TF_CONFIG = JSON.stringify({ ...config, environment: 'cloud' });
    expect(clusterFromTfConfig({ TF_CONFIG })).toEqual({ workers, index });
  }
  const said = calls([...container!.command, ...container!.args], ['npx'], {});
  expect(said).toBe('npx loop-diffusion train /runs/my-run.yaml --set output=/runs/my-run\n');
});

test('the image is made by the commands that the README has', () => {
  const steps = [...read('examples/distributed/Dockerfile').matchAll(/^(RUN|FROM) (.*)$/gm)];
  expect(steps.map(([, instruction, rest]) => `${instruction ?? ''} ${rest ?? ''}`)).toEqual([
    'FROM node:20-bookworm-slim',
    expect.stringMatching(/^RUN apt-get update && apt-get install .* g\+\+ python3 python3-pip &&/),
    'RUN npm ci',
    'RUN npm run setup',
  ]);
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  expect(scripts).toHaveProperty('setup');
});
