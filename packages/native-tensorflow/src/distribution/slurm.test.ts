import { ClusterError } from './cluster-error';
import { clusterFromSlurm } from './slurm';

const job = { SLURM_PROCID: '0', SLURM_NTASKS: '4', SLURM_JOB_NODELIST: 'gpu[1-2]' };

it('counts ports from the base within each node', () => {
  expect(clusterFromSlurm({ ...job, SLURM_PROCID: '3' })).toEqual({
    workers: ['gpu1:8888', 'gpu1:8889', 'gpu2:8888', 'gpu2:8889'],
    index: 3,
  });
  expect(clusterFromSlurm(job, { basePort: 5000 })?.workers[3]).toBe('gpu2:5001');
});

it.each<[string, Record<string, string>, string[]]>([
  [
    'the numbers of tasks that Slurm says',
    { SLURM_TASKS_PER_NODE: '3,1' },
    ['gpu1:8888', 'gpu1:8889', 'gpu1:8890', 'gpu2:8888'],
  ],
  [
    'a number for several nodes',
    { SLURM_TASKS_PER_NODE: '2(x2)' },
    ['gpu1:8888', 'gpu1:8889', 'gpu2:8888', 'gpu2:8889'],
  ],
  [
    'the nodes of the step, which are fewer than those of its job',
    { SLURM_STEP_NODELIST: 'gpu2', SLURM_STEP_TASKS_PER_NODE: '4', SLURM_TASKS_PER_NODE: '9(x2)' },
    ['gpu2:8888', 'gpu2:8889', 'gpu2:8890', 'gpu2:8891'],
  ],
  [
    'tasks that do not divide by nodes',
    { SLURM_NTASKS: '3' },
    ['gpu1:8888', 'gpu1:8889', 'gpu2:8888'],
  ],
])('%s', (_, variables, workers) => {
  expect(clusterFromSlurm({ ...job, ...variables })).toEqual({ workers, index: 0 });
});

it('is none where no task runs', () => {
  expect(clusterFromSlurm({ SLURM_JOB_NODELIST: 'a' })).toBeUndefined();
});

it('takes the node that a process is on for a check', () => {
  const second = { ...job, SLURM_PROCID: '1' };
  expect(clusterFromSlurm({ ...second, SLURM_NODEID: '0' })).toMatchObject({ index: 1 });
  expect(() => clusterFromSlurm({ ...second, SLURM_NODEID: '1' })).toThrow(
    'Task 1 runs on node "1", and would be on node 0 if tasks were laid out in blocks: use srun with --distribution=block.',
  );
});

it.each<[Record<string, string | undefined>, string]>([
  [{ SLURM_PROCID: '-1' }, 'SLURM_PROCID is "-1", but must be a whole number of 0 to 65536.'],
  [{ SLURM_PROCID: '1e3' }, 'SLURM_PROCID is "1e3", but must be a whole number of 0 to 65536.'],
  [{ SLURM_PROCID: '4' }, 'This process is worker 4 of a cluster of 4 (0 to 3).'],
  [
    { SLURM_NTASKS: undefined },
    'SLURM_NTASKS is not set, but must be a whole number of 1 to 65536.',
  ],
  [
    { SLURM_NTASKS: '1000000000' },
    'SLURM_NTASKS is "1000000000", but must be a whole number of 1 to 65536.',
  ],
  [
    { SLURM_JOB_NODELIST: undefined },
    'SLURM_PROCID is set, but SLURM_JOB_NODELIST is not: use srun.',
  ],
  [{ SLURM_JOB_NODELIST: 'n[0-1000000000]' }, 'has more than 65536 of them'],
  [{ SLURM_JOB_NODELIST: 'a\0' }, 'but must be names with ranges'],
  [{ SLURM_JOB_NODELIST: 'a,a' }, 'Workers 0 and 2 both have the address "a:8888"'],
  [{ SLURM_TASKS_PER_NODE: '2(x1000000000)' }, 'Slurm\'s numbers of tasks are "2(x1000000000)"'],
  [{ SLURM_TASKS_PER_NODE: '1000000000' }, 'Slurm\'s numbers of tasks are "1000000000"'],
  [{ SLURM_TASKS_PER_NODE: '-2' }, 'Slurm\'s numbers of tasks are "-2"'],
  [
    { SLURM_TASKS_PER_NODE: '2' },
    'Slurm has 4 tasks on 2 hosts, but says that "2" are on each: use srun.',
  ],
  [
    { SLURM_TASKS_PER_NODE: '2,1' },
    'Slurm has 4 tasks on 2 hosts, but says that "2,1" are on each: use srun.',
  ],
])('refuses %j', (variables, sentence) => {
  const read = () => clusterFromSlurm({ ...job, ...variables });
  expect(read).toThrow(ClusterError);
  expect(read).toThrow(sentence);
});

it('refuses ports beyond the last one', () => {
  expect(() => clusterFromSlurm(job, { basePort: 65_535 })).toThrow('"gpu1:65536"');
  expect(() => clusterFromSlurm(job, { basePort: -1 })).toThrow('basePort is -1');
});
