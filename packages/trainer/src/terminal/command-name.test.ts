import { commandName } from './command-name';

test('is what the shell finds: under npm by npx, as an installed program by itself', () => {
  expect(commandName({ npm_lifecycle_event: 'npx' })).toBe('npx loop-diffusion');
  expect(commandName({ npm_lifecycle_event: 'demo' })).toBe('npx loop-diffusion');
  expect(commandName({})).toBe('loop-diffusion');
});
