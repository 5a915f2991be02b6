import { listenAddressOf, type Network } from './listen-address';

const names: Record<string, string[]> = {
  localhost: ['::1', '127.0.0.1'],
  debian: ['127.0.1.1'],
  both: ['127.0.1.1', '10.0.0.5'],
  v6first: ['fd00::5', '10.0.0.5'],
  v6: ['fd00::5'],
  service: ['10.96.0.1'],
};
const network: Network = {
  addressesOf: async (host) => names[host] ?? Promise.reject(new Error(`ENOTFOUND ${host}`)),
  own: () => ['127.0.0.1', '::1', '10.0.0.5', 'fd00::5'],
  pause: async () => undefined,
};
const listen = (host: string, more: object = {}) =>
  listenAddressOf({ workers: ['10.0.0.9:1', `${host}:2`], index: 1, ...more }, network);

it.each([
  ['10.0.0.5', '10.0.0.5'],
  ['127.0.0.1', '127.0.0.1'],
  ['127.0.0.2', '127.0.0.2'],
  ['[::1]', '::1'],
  ['localhost', '127.0.0.1'],
  ['both', '10.0.0.5'],
  ['v6first', '10.0.0.5'],
  ['v6', 'fd00::5'],
])('%s listens on %s', async (host, address) => {
  await expect(listen(host)).resolves.toBe(address);
});

it.each(['0.0.0.0', '::', '10.0.0.5'])('listenAddress %s is taken as it is', async (address) => {
  await expect(listen('service', { listenAddress: address })).resolves.toBe(address);
});

it.each<[string, object, string]>([
  ['service', {}, 'The host of worker 1, service (10.96.0.1), is not an address of this machine'],
  ['10.0.0.6', {}, 'The host of worker 1, 10.0.0.6 (10.0.0.6), is not an address of this machine'],
  ['nowhere', {}, 'The host of worker 1, nowhere, is unknown here: ENOTFOUND nowhere.'],
  [
    'debian',
    {},
    'The host of worker 1, debian, is 127.0.1.1 on this machine, where no other can reach it',
  ],
  [
    'service',
    { listenAddress: 'service' },
    'listenAddress is "service", but must be a numeric address',
  ],
  ['service', { listenAddress: '' }, 'listenAddress is "", but must be a numeric address'],
])('refuses %s with %j', async (host, more, sentence) => {
  await expect(listen(host, more)).rejects.toMatchObject({
    name: 'ClusterError',
    message: expect.stringContaining(sentence) as string,
  });
});

it('a name that is a loopback address serves where all workers have it', async () => {
  const workers = ['debian:1', 'debian:2'];
  await expect(listenAddressOf({ workers, index: 1 }, network)).resolves.toBe('127.0.1.1');
});

it('asks again for a name that is known only after a while', async () => {
  let pauses = 0;
  const slow: Network = {
    ...network,
    addressesOf: async () => (pauses < 5 ? Promise.reject(new Error('ENOTFOUND')) : ['10.0.0.5']),
    pause: async () => {
      pauses++;
    },
  };
  await expect(listenAddressOf({ workers: ['pod:1'], index: 0 }, slow)).resolves.toBe('10.0.0.5');
});

it('asks this machine itself', async () => {
  await expect(listenAddressOf({ workers: ['127.0.0.1:1'], index: 0 })).resolves.toBe('127.0.0.1');
});
