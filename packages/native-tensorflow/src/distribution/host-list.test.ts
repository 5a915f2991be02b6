import { ClusterError } from './cluster-error';
import { expandHostList } from './host-list';

// What `scontrol show hostnames` of Slurm 23 writes for them, by its documentation (man scontrol, hostlist expressions).
it.each<[string, string[]]>([
  ['node', ['node']],
  ['a,b,c', ['a', 'b', 'c']],
  ['gpu[1-3]', ['gpu1', 'gpu2', 'gpu3']],
  ['gpu[01-03,7],login', ['gpu01', 'gpu02', 'gpu03', 'gpu7', 'login']],
  ['gpu[08-11]', ['gpu08', 'gpu09', 'gpu10', 'gpu11']],
  ['gpu[9-10]', ['gpu9', 'gpu10']],
  ['r[1-2]n[1-2]', ['r1n1', 'r1n2', 'r2n1', 'r2n2']],
  ['n[1-2].cluster.local,x-y_z', ['n1.cluster.local', 'n2.cluster.local', 'x-y_z']],
  ['n[5]', ['n5']],
  ['n[007-007]', ['n007']],
])('%s', (list, hosts) => {
  expect(expandHostList(list)).toEqual(hosts);
});

it.each([
  ...[
    '',
    ',',
    'a,',
    'a,,b',
    'n[',
    'n]',
    'n[1-',
    'n[1-2',
    'n[]',
    'n[-1]',
    'n[3-1]',
    'n[1--2]',
    'n[a-b]',
    'n[[1]]',
  ],
  ...['n[1,]', 'n[1-2-3]', 'a\0b', 'a b', 'a\nb', 'a;b', '../a/b', 'n[1-1e9]', '$(reboot)'],
])('refuses %j', (list) => {
  expect(() => expandHostList(list)).toThrow(ClusterError);
  expect(() => expandHostList(list)).toThrow("Slurm's list of hosts is ");
});

it.each([
  'n[0-999999999]',
  'n[1-999999999999999999]',
  'n[0-999][0-999][0-999]',
  `n[${'1-65536,'.repeat(3)}1]`,
  `${'n[0-65535],'.repeat(3)}x`,
])('refuses %s before it is expanded', (list) => {
  expect(() => expandHostList(list)).toThrow(/ has more than 65536 of them, which is the most\.$/);
});

it('takes time in proportion to a long list', () => {
  const list = Array.from({ length: 60_000 }, (_, index) => `n${index}`);
  expect(expandHostList(list.join())).toEqual(list);
  expect(() => expandHostList('['.repeat(1e6))).toThrow(ClusterError);
  expect(() => expandHostList(',['.repeat(3e5))).toThrow(ClusterError);
});
