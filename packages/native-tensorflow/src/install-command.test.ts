import { installCommand, parseInstallArguments } from './install-command';

it.each([
  [['install'], { help: false, gpu: false, verify: true }],
  [['install', '--gpu'], { help: false, gpu: true, verify: true }],
  [['--quick', 'install'], { help: false, gpu: false, verify: false }],
  [['--help'], { help: true, gpu: false, verify: true }],
])('understands %j', (given, flags) => {
  expect(parseInstallArguments(given)).toEqual(flags);
});

it.each([
  [[], 'The command is "install"; no command was given.'],
  [['uninstall'], 'The command is "install"; not "uninstall".'],
  [['install', '--cuda'], "Unknown option '--cuda'"],
])('refuses %j with exit code 2: %s', async (given, message) => {
  const said = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  await expect(installCommand(given)).resolves.toBe(2);
  expect(said).toHaveBeenCalledWith(expect.stringContaining(message));
  expect(said).toHaveBeenCalledWith(expect.stringContaining('Usage: npx @loop-diffusion/'));
  said.mockRestore();
});
