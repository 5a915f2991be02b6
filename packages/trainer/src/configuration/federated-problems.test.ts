import { clientsOfRound, isDue, iterationsAtOnce } from './federated-rounds';
import { resolveConfig } from './resolve-config';

const clients = ['shape', 'colour'].map((family) => ({ name: family, family }));
const resolve = (federated: object, more: object = {}) =>
  resolveConfig({ iterations: 8, federated: { clients, ...federated }, ...more });

test('takes the published values unless told otherwise', () => {
  expect(resolve({}).federated).toEqual({
    clients,
    localIterations: 2,
    sampleRate: 1,
    layers: 'all',
    personal: true,
    serverLearningRate: 0.05,
    serverMomentum: 0.9,
  });
  expect(resolveConfig(undefined).federated).toBeNull();
});

test('files and rewards of clients are as those of the run', () => {
  const own = { name: 'a', prompts: '~/a.txt', rewards: [{ name: 'ocr' }] };
  const [client] = resolve({ clients: [own] }).federated!.clients;
  expect(client?.prompts).toMatch(/^[^~].*a\.txt$/);
  expect(client?.rewards).toEqual([
    { name: 'ocr', weight: 1, policy: 'mask', scale: 'none', settings: {} },
  ]);
});

test.each<[string, object, object, string]>([
  ['all weights', {}, { lora: null }, 'lora is null, which trains all weights'],
  ['a rollback', {}, { guards: { onCollapse: 'rollback' } }, 'guards.onCollapse is rollback'],
  ['an average as the result', {}, { ema: {} }, 'ema is an average of the weights'],
  ['an average of the method', {}, { algorithm: { name: 'awm' } }, 'the method keeps an average'],
  [
    'another optimizer',
    {},
    { optimizer: { name: 'storm' }, algorithm: { clipRange: 'none' } },
    'optimizer.name is storm',
  ],
  [
    'half a round',
    {},
    { iterations: 6 },
    'iterations is 6, but a round of 2 clients with 2 iterations each has 4',
  ],
  ['nothing to train', { layers: 'none', personal: false }, {}, 'leaves nothing to train'],
  [
    'a start that loses modules',
    { personal: false },
    { lora: { from: 'x' } },
    'lora.from has them',
  ],
  [
    'two of one name',
    { clients: [clients[0], { name: 'Shape', family: 'colour' }] },
    {},
    "names 'shape' twice",
  ],
  ['no prompts', { clients: [{ name: 'a' }] }, {}, "'a' has neither prompts nor a family"],
  [
    'prompts twice',
    { clients: [{ name: 'a', prompts: 'b', family: 'c' }] },
    {},
    "'a' has both prompts and a family",
  ],
  ['no client', { clients: [] }, {}, 'must be a list of 1 to 256'],
  ['a name that is no folder', { clients: [{ name: '../a', family: 'c' }] }, {}, 'letters, digits'],
  [
    'rewards of no weight',
    { clients: [{ ...clients[0], rewards: [{ name: 'ocr', weight: 0 }] }] },
    {},
    'only weights of 0',
  ],
  [
    'rewards of one name',
    { clients: [{ ...clients[0], rewards: [{ name: 'ocr' }, { name: 'ocr' }] }] },
    {},
    "rewards names 'ocr' twice",
  ],
  ['a rate of none', { sampleRate: 0 }, {}, 'federated.sampleRate is 0'],
])('refuses %s', (_, federated, more, words) => {
  expect(() => resolve(federated, more)).toThrow(words);
});

test('a round has a part of the clients, at least one', () => {
  const of = (sampleRate: number, count: number) =>
    clientsOfRound({ sampleRate, clients: Array.from({ length: count }, () => clients[0]!) });
  expect([of(1, 5), of(0.5, 4), of(0.01, 5), of(0.1, 100)]).toEqual([5, 2, 1, 10]);
  expect(iterationsAtOnce({ federated: null })).toBe(1);
  expect(iterationsAtOnce(resolve({ localIterations: 4 }))).toBe(8);
});

test('what is due every few iterations is due once that many went by', () => {
  const due = (every: number, atOnce: number) =>
    [0, 4, 8, 12, 16].filter((iterations) => isDue(every, iterations, atOnce));
  expect(due(6, 4)).toEqual([8, 12]);
  expect(due(1, 4)).toEqual([4, 8, 12, 16]);
  expect(due(8, 4)).toEqual([8, 16]);
  expect(due(0, 4)).toEqual([]);
  expect(due(8, 1)).toEqual([8, 16]);
});
