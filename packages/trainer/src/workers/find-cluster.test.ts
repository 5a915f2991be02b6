import { findCluster } from './find-cluster';

const config = (workers: readonly string[]) =>
  JSON.stringify({ cluster: { worker: workers }, task: { type: 'worker', index: 0 } });
const workers = ['a:2222', 'b:2222'];
const task = { SLURM_PROCID: '1', SLURM_NTASKS: '2', SLURM_JOB_NODELIST: 'n[1-2]' };

test.each<[string, NodeJS.ProcessEnv, unknown]>([
  ['nothing', {}, undefined],
  ['TF_CONFIG', { TF_CONFIG: config(workers) }, { workers, index: 0 }],
  ['TF_CONFIG before Slurm', { TF_CONFIG: config(workers), ...task }, { workers, index: 0 }],
  [
    'a task of srun',
    { ...task, SLURM_STEP_ID: '0' },
    { workers: ['n1:8888', 'n2:8888'], index: 1 },
  ],
  ['the script of a batch job', { ...task, SLURM_PROCID: '0' }, undefined],
  ['a worker by itself, as Vertex AI says', { TF_CONFIG: config(['a:2222']) }, undefined],
  [
    'a task by itself',
    { ...task, SLURM_NTASKS: '1', SLURM_PROCID: '0', SLURM_JOB_NODELIST: 'n1', SLURM_STEP_ID: '0' },
    undefined,
  ],
])('%s', (_, env, expected) => {
  expect(findCluster(env)).toEqual(expected);
});

test('what makes no sense is told', () => {
  expect(() => findCluster({ TF_CONFIG: '{' })).toThrow(/^TF_CONFIG is not JSON/);
});
