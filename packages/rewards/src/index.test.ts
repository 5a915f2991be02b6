import { createRequire } from 'node:module';

/** Loaded with what needs them: a picture, a server, settings to check, a model. */
const HEAVY = [
  'sharp',
  'hono',
  '@hono/zod-openapi',
  '@hono/node-server',
  'zod',
  'prom-client',
  'commander',
  'undici',
  'onnxruntime-node',
  '@tensorflow/tfjs-core',
];

const entries = ['.', './neural', './remote', './serve', './command-line'];

test.each(entries)('importing %s loads nothing heavy', async (entry) => {
  for (const name of HEAVY) {
    const load = () => {
      throw new Error(`${name} is loaded with the package`);
    };
    jest.doMock(name, load, { virtual: true });
  }
  const { exports } = createRequire(__filename)('../package.json') as {
    exports: Record<string, { '@loop/source': string }>;
  };
  const path = exports[entry]!['@loop/source'].replace('./src', '.').replace(/\.ts$/, '');
  const exported = (await import(path)) as Record<string, unknown>;
  expect(Object.keys(exported).length).toBeGreaterThan(0);
});
