import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';

import type { Command } from 'commander';

import { parseInstallArguments, runCommandLine, runRewardsCommandLine } from './command-lines';
import {
  commandsOfMarkdown,
  commandsOfSource,
  type DocumentedCommand,
} from './documented-commands';
import { workspaceRoot } from './workspace';

const packagesFolder = join(workspaceRoot, 'packages');

/** From here on the programs read their arguments, and do nothing. */
beforeAll(() => {
  for (const name of ['trainer', 'rewards']) {
    const path = createRequire(join(packagesFolder, name, 'package.json')).resolve('commander');
    const { prototype } = jest.requireActual<{ Command: { prototype: Command } }>(path).Command;
    const action = prototype.action;
    jest.spyOn(prototype, 'action').mockImplementation(function (this: Command) {
      return action.call(this, () => undefined);
    });
  }
});

afterAll(() => jest.restoreAllMocks());

/** What the program says of these arguments; empty when it takes them. */
async function complaint({ program, parameters }: DocumentedCommand): Promise<string> {
  let said = '';
  const write = (text: string): boolean => {
    said += text;
    return true;
  };
  switch (program) {
    case 'loop-diffusion': {
      const output = { out: { write }, error: { write } };
      const code = await runCommandLine(parameters, { output });
      return code === 0 ? '' : `${said} (exit code ${code})`;
    }
    case 'loop-rewards': {
      const code = await runRewardsCommandLine(parameters, { writeOut: write, writeError: write });
      return code === 0 ? '' : `${said} (exit code ${code})`;
    }
    case 'native-tensorflow':
      try {
        parseInstallArguments(parameters);
        return '';
      } catch (error) {
        return String(error);
      }
  }
}

function filesBelow(folder: string, wanted: RegExp): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => wanted.test(file) && !/(^|\/)(node_modules|dist|out-tsc)\//.test(file))
    .map((file) => join(folder, file));
}

const documents = [
  join(workspaceRoot, 'README.md'),
  join(workspaceRoot, 'CONTRIBUTING.md'),
  ...['docs', 'packages', 'tools'].flatMap((name) =>
    filesBelow(join(workspaceRoot, name), /\.md$/),
  ),
];
const sources = filesBelow(packagesFolder, /^[^/]+\/src\/(?!.*\.test\.ts$).*\.ts$/);

const found = [
  ...documents.map((file) => ({ file, commands: commandsOfMarkdown(readFileSync(file, 'utf8')) })),
  ...sources.map((file) => ({ file, commands: commandsOfSource(readFileSync(file, 'utf8')) })),
].flatMap(({ file, commands }) =>
  commands.map((command) => [relative(workspaceRoot, file), command.text, command] as const),
);

it('finds the commands', () => {
  const texts = found.map(([, text]) => text);
  expect(texts).toContain('npx loop-diffusion doctor --install');
  expect(texts).toContain('npx @loop-diffusion/native-tensorflow install --gpu');
  expect(texts.some((text) => text.startsWith('npx loop-rewards serve '))).toBe(true);
  const messages = found.filter(([file]) => file.endsWith('use-best-backend.ts'));
  expect(messages.map(([, text]) => text)).toContain(
    'npx @loop-diffusion/native-tensorflow install --gpu',
  );
});

it.each(found)('%s: %s', async (_file, _text, command) => {
  expect(await complaint(command)).toBe('');
});

it.each(['loop-diffusion doctor --gpus', 'npx loop-diffusion retrain', 'npx loop-rewards serve'])(
  'would notice %s',
  async (text) => {
    const [command] = commandsOfMarkdown(`\`\`\`sh\n${text}\n\`\`\`\n`);
    expect(await complaint(command!)).not.toBe('');
  },
);

it('no message of the package that stands alone asks npx for a name that is not ours', () => {
  const folder = join(packagesFolder, 'native-tensorflow');
  const texts = [join(folder, 'README.md'), ...sources.filter((file) => file.startsWith(folder))];
  for (const file of texts) {
    const names = [...readFileSync(file, 'utf8').matchAll(/[`"\n]npx (?:-\S+ )*(\S+)/g)];
    for (const [, name] of names) expect(name).toMatch(/^@loop-diffusion\//);
  }
});
