import { runScript } from './fixtures/run-script';

it('leaves signals to the application that loads this package', () => {
  const listeners = runScript<readonly number[]>(
    `report(['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => process.listenerCount(signal)));`,
  );
  expect(listeners).toEqual([0, 0, 0]);
});
