import { proxyExceptions } from './join';

const cluster = { workers: ['a:1', 'a:2', '[::1]:3'], index: 0 };

it.each<[NodeJS.ProcessEnv, Record<string, string>]>([
  [{}, {}],
  [{ http_proxy: '' }, {}],
  [{ http_proxy: 'http://proxy:3128' }, { no_grpc_proxy: 'a,::1' }],
  [{ https_proxy: 'http://proxy:3128', no_proxy: 'b' }, { no_grpc_proxy: 'a,::1' }],
  // Somebody wants it.
  [{ http_proxy: 'http://proxy:3128', grpc_proxy: 'http://proxy:3128' }, {}],
])('with %j the workers are reached directly by %j', (env, exceptions) => {
  expect(proxyExceptions(cluster, env)).toEqual(exceptions);
});
