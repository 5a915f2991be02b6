import { createServer, type ClientUpdate, type ServerState } from './server';

const client = (weights: number[], more: Partial<ClientUpdate> = {}): ClientUpdate => ({
  ...{ weights, samples: 1, steps: 10, learningRate: 0.04 },
  ...more,
});

/** As it is in the middle of a run. */
const inTheMiddle = (more: Partial<ServerState> = {}): ServerState => ({
  ...{ learningRate: 0.05, weights: Float32Array.of(1), control: Float32Array.of(0) },
  ...{ momentum: Float32Array.of(0), lastChange: Float32Array.of(0.5) },
  ...more,
});

// Numbers of float32, so that about seven digits are theirs.
test('a round by hand', () => {
  const server = createServer([1], { sampleRate: 0.1, learningRate: 0.05 });
  server.restore(inTheMiddle());
  // w̄ = 0.65, δ = 0.35, g = 0.15; c_i⁺ = 0.2/0.4 and 0.4/0.8; c = 0.1·0.5; s = 0.0495; v_i = 0.015 + 0.05 − 0.5.
  const { weights, controls } = server.round([
    client([0.8]),
    client([0.6], { samples: 3, steps: 20 }),
  ]);
  expect(weights[0]).toBeCloseTo(0.671_532_5, 6);
  for (const control of controls) expect(control[0]).toBeCloseTo(0.5, 6);
  const state = server.state();
  expect(state.learningRate).toBeCloseTo(0.0495, 12);
  expect(state.control[0]).toBeCloseTo(0.05, 6);
  expect(state.momentum[0]).toBeCloseTo(-0.435, 6);
  expect(state.lastChange![0]).toBeCloseTo(0.35, 6);

  // The next one from there: w̄ = 0.6, δ = 0.0715325, g = 0.35 − δ, c⁺ = 0.5 − 0.05 + δ/0.4, c = 0.05 + 0.1(c⁺ − 0.5).
  const delta = 0.671_532_5 - 0.6;
  const plus = 0.5 - 0.05 + delta / 0.4;
  const control = 0.05 + 0.1 * (plus - 0.5);
  const velocity = 0.9 * -0.435 + 0.1 * (0.35 - delta) + control - plus;
  const next = server.round([client([0.6], { control: controls[0]! })]);
  expect(next.weights[0]).toBeCloseTo(0.6 - 0.0495 * 0.99 * velocity, 6);
});

test('the first round is the mean, weighted by samples', () => {
  const server = createServer([1, 0], { sampleRate: 1, learningRate: 0.05 });
  const { weights } = server.round([client([0.5, 1]), client([0.7, 2], { samples: 3 })]);
  expect([...weights].map((value) => value.toFixed(6))).toEqual(['0.650000', '1.750000']);
});

test('without a learning rate every round is FedAvg', () => {
  const server = createServer([1], { sampleRate: 1, learningRate: 0 });
  let { weights } = server.round([client([0.5]), client([0.7])]);
  for (const step of [0.1, 0.2, 0.3]) {
    const [from = 0] = weights;
    ({ weights } = server.round([client([from - step]), client([from + step / 2])]));
    expect(weights[0]).toBeCloseTo(from - step / 4, 6);
  }
});

test('one client and no learning rate is plain training', () => {
  const server = createServer([1], { sampleRate: 1, learningRate: 0 });
  let own = Float32Array.of(1);
  for (let round = 0; round < 3; round += 1) {
    own = own.map((value) => value - 0.1);
    expect(server.round([client([...own])]).weights).toEqual(own);
  }
});

test('the learning rate falls by a hundredth each round, and ends at 1e-4', () => {
  const server = createServer([1], { sampleRate: 1, learningRate: 1.02e-4 });
  for (const expected of [1.02e-4, 1.02e-4 * 0.99, 1e-4, 1e-4]) {
    server.round([client([1])]);
    expect(server.state().learningRate).toBeCloseTo(expected, 12);
  }
});

test('goes on from a state as if it had not ended', () => {
  const options = { sampleRate: 0.5, learningRate: 0.05 };
  const round = [client([0.3, 0.4]), client([0.1, 0.2], { samples: 2, steps: 7 })];
  const one = createServer([1, 2], options);
  one.round(round);
  const state = one.state();
  const expected = one.round(round);
  const other = createServer([0, 0], options);
  other.restore(state);
  expect(other.round(round)).toEqual(expected);
  // What was handed out is nobody else's.
  expect(state.lastChange).not.toEqual(one.state().lastChange);
});

test.each([
  ['no clients', [], 'A round needs at least one client.'],
  [
    'no samples',
    [client([1], { samples: 0 })],
    'Client 0 has samples 0, which must be more than 0.',
  ],
  ['no steps', [client([1], { steps: NaN })], 'Client 0 has steps NaN, which must be more than 0.'],
  [
    'other weights',
    [client([1]), client([1, 2])],
    'Client 1 has 2 numbers, and there are 1 weights.',
  ],
  [
    'another control',
    [client([1], { control: [] })],
    'Client 0 has 0 numbers, and there are 1 weights.',
  ],
])('refuses a round of %s, and is as it was', (_, clients, sentence) => {
  const server = createServer([1], { sampleRate: 1, learningRate: 0.05 });
  const before = server.state();
  expect(() => server.round(clients)).toThrow(sentence);
  expect(server.state()).toEqual(before);
});

test.each([
  [{ sampleRate: 0 }, 'sampleRate is 0, but must be more than 0 and at most 1.'],
  [{ learningRate: -1 }, 'learningRate is -1, but must be 0 or more.'],
  [{ momentum: 1 }, 'momentum is 1, but must be from 0 to less than 1.'],
])('refuses %j', (option, sentence) => {
  const options = { sampleRate: 1, learningRate: 0.05, ...option };
  expect(() => createServer([1], options)).toThrow(sentence);
});

test('refuses a state of other weights', () => {
  const server = createServer([1, 2], { sampleRate: 1, learningRate: 0.05 });
  expect(() => {
    server.restore(inTheMiddle());
  }).toThrow('The state is of 1 weights, and there are 2.');
});
