import { checkCluster, type Cluster } from './cluster';
import { ClusterError } from './cluster-error';

const two = ['127.0.0.1:4001', '127.0.0.1:4002'];

it.each<[Cluster]>([
  [{ workers: two, index: 1 }],
  [{ workers: ['a:1'], index: 0 }],
  [{ workers: ['node-1.cluster.local:2222', 'node_2:65535', '[::1]:2222'], index: 2 }],
  [{ workers: two, index: 0, listenAddress: '0.0.0.0', joinTimeoutSeconds: 0.5 }],
])('takes %j', (cluster) => {
  expect(checkCluster(cluster)).toBe(cluster);
});

const address = (text: string) =>
  `The address of worker 0 is ${text}, but must be host:port with a port of 1 to 65535.`;

it.each<[string, unknown, string]>([
  [
    'no workers',
    { workers: [], index: 0 },
    'A cluster has no workers; it needs the host:port of each.',
  ],
  ['no list', { index: 0 }, 'A cluster has no workers; it needs the host:port of each.'],
  ['no port', { workers: ['a'], index: 0 }, address('"a"')],
  ['no host', { workers: [':1'], index: 0 }, address('":1"')],
  ['port 0', { workers: ['a:0'], index: 0 }, address('"a:0"')],
  ['a port that is too large', { workers: ['a:65536'], index: 0 }, address('"a:65536"')],
  ['a negative port', { workers: ['a:-1'], index: 0 }, address('"a:-1"')],
  ['two ports', { workers: ['a:1:2'], index: 0 }, address('"a:1:2"')],
  ['an IPv6 address without brackets', { workers: ['::1:2222'], index: 0 }, address('"::1:2222"')],
  ['brackets around a name', { workers: ['[a]:1'], index: 0 }, address('"[a]:1"')],
  ['a scheme', { workers: ['grpc://a:1'], index: 0 }, address('"grpc://a:1"')],
  ['a NUL byte', { workers: ['a\0b:1'], index: 0 }, address('"a\\u0000b:1"')],
  ['a line break', { workers: ['a:1\n'], index: 0 }, address('"a:1\\n"')],
  ['a number', { workers: [4001], index: 0 }, address('4001')],
  ['megabytes', { workers: ['a'.repeat(1e7)], index: 0 }, address(`"${'a'.repeat(76)}…`)],
  [
    'an address twice',
    { workers: ['A:1', 'b:1', 'a:1'], index: 0 },
    'Workers 0 and 2 both have the address "a:1"; each process needs one of its own.',
  ],
  [
    'too many',
    { workers: Array.from({ length: 65_537 }, (_, index) => `a${index}:1`), index: 0 },
    'A cluster has 65537 workers, but may have at most 65536.',
  ],
  [
    'index 2 of 2',
    { workers: two, index: 2 },
    'This process is worker 2 of a cluster of 2 (0 to 1).',
  ],
  [
    'index -1',
    { workers: two, index: -1 },
    'This process is worker -1 of a cluster of 2 (0 to 1).',
  ],
  [
    'index 0.5',
    { workers: two, index: 0.5 },
    'This process is worker 0.5 of a cluster of 2 (0 to 1).',
  ],
  [
    'no index',
    { workers: ['a:1'] },
    'This process is worker undefined of a cluster of 1 (the only index is 0).',
  ],
  [
    'no time',
    { workers: two, index: 0, joinTimeoutSeconds: 0 },
    'joinTimeoutSeconds is 0, but must be more than 0 and at most 86400.',
  ],
  [
    'time that is none',
    { workers: two, index: 0, joinTimeoutSeconds: NaN },
    'joinTimeoutSeconds is null, but must be more than 0 and at most 86400.',
  ],
])('refuses %s', (_, cluster, sentence) => {
  const check = () => checkCluster(cluster as Cluster);
  expect(check).toThrow(ClusterError);
  expect(check).toThrow(expect.objectContaining({ kind: 'cluster', message: sentence }));
});
