import { assertBackend } from './tensor-backend';

it('passes where there is a backend', async () => {
  await expect(
    assertBackend('safety', { ready: () => Promise.resolve() }),
  ).resolves.toBeUndefined();
});

it('says what to do where there is none', async () => {
  const ready = () => Promise.reject(new Error('No backend found in registry.'));
  await expect(assertBackend('safety', { ready })).rejects.toThrow(
    'Reward "safety" needs a TensorFlow.js backend, and none is set',
  );
});
