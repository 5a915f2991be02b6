import { ClusterError } from './cluster-error';
import { clusterFromTfConfig } from './tf-config';

const read = (config: unknown) =>
  clusterFromTfConfig({ TF_CONFIG: typeof config === 'string' ? config : JSON.stringify(config) });

const worker = ['a:1', 'b:1'];

it('reads the workers and which of them this is', () => {
  expect(read({ cluster: { worker }, task: { type: 'worker', index: 1 } })).toEqual({
    workers: worker,
    index: 1,
  });
});

it.each<[string, number, number]>([
  ['chief', 0, 0],
  ['worker', 0, 1],
  ['worker', 1, 2],
])('with a chief, %s %d is worker %d', (type, index, rank) => {
  // In this order Kubeflow writes it, too, but objects of JSON have none.
  const config = { cluster: { worker, chief: ['c:1'] }, task: { type, index } };
  expect(read(config)).toEqual({ workers: ['c:1', 'a:1', 'b:1'], index: rank });
});

it('is none where it is not set, empty, or of a single process', () => {
  expect(clusterFromTfConfig({})).toBeUndefined();
  expect(read(' ')).toBeUndefined();
  expect(read({ task: { type: 'worker', index: 0 } })).toBeUndefined();
});

it('empty lists of other tasks are none', () => {
  expect(read({ cluster: { worker, ps: [] }, task: { type: 'worker', index: 0 } })).toMatchObject({
    index: 0,
  });
});

it.each<[string, unknown, string]>([
  ['not JSON', '{"cluster"', 'TF_CONFIG is not JSON: '],
  ['a list', '[]', 'TF_CONFIG is [], but must be an object of JSON.'],
  [
    'a list for a cluster',
    { cluster: worker },
    'cluster in TF_CONFIG is ["a:1","b:1"], but must be an object.',
  ],
  ['no task', { cluster: { worker } }, 'task in TF_CONFIG is undefined, but must be an object.'],
  [
    'a name for workers',
    { cluster: { worker: 'a:1' }, task: { type: 'worker', index: 0 } },
    'cluster."worker" in TF_CONFIG is "a:1", but must be a list of host:port.',
  ],
  [
    'parameter servers',
    { cluster: { worker, ps: ['p:1'] }, task: { type: 'worker', index: 0 } },
    'TF_CONFIG has tasks of type "ps", but all workers do the same here: only chief and worker take part.',
  ],
  [
    'an evaluator',
    { cluster: { worker }, task: { type: 'evaluator', index: 0 } },
    'TF_CONFIG says that this process is of type "evaluator", but only chief and worker take part.',
  ],
  [
    'two chiefs',
    { cluster: { chief: worker }, task: { type: 'chief', index: 0 } },
    'TF_CONFIG has 2 tasks of type chief, but may have one.',
  ],
  [
    'an index outside',
    { cluster: { worker }, task: { type: 'worker', index: 2 } },
    'TF_CONFIG says that this process is worker 2, and its cluster has 2 of that type, counted from 0.',
  ],
  [
    'a negative index',
    { cluster: { worker }, task: { type: 'worker', index: -1 } },
    'TF_CONFIG says that this process is worker -1, and its cluster has 2 of that type, counted from 0.',
  ],
  [
    'an index in quotes',
    { cluster: { worker }, task: { type: 'worker', index: '0' } },
    'TF_CONFIG says that this process is worker "0", and its cluster has 2 of that type, counted from 0.',
  ],
  [
    'an address without a port',
    { cluster: { worker: ['a:1', 'b'] }, task: { type: 'worker', index: 0 } },
    'The address of worker 1 is "b", but must be host:port with a port of 1 to 65535.',
  ],
  [
    'an address twice',
    { cluster: { chief: ['a:1'], worker }, task: { type: 'worker', index: 0 } },
    'Workers 0 and 1 both have the address "a:1"; each process needs one of its own.',
  ],
  [
    'ten million brackets',
    '['.repeat(1e7 + 1),
    'TF_CONFIG has 10000001 characters, but may have at most 10000000.',
  ],
  ['brackets that do not close', '['.repeat(1e6), 'TF_CONFIG is not JSON: '],
  ['brackets in brackets', '['.repeat(1e6) + ']'.repeat(1e6), 'but must be an object of JSON.'],
])('refuses %s', (_, config, sentence) => {
  expect(() => read(config)).toThrow(ClusterError);
  expect(() => read(config)).toThrow(sentence);
});
