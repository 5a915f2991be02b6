#!/usr/bin/env node
import { existsSync } from 'node:fs';

const command = new URL('../dist/install-command.js', import.meta.url);
if (existsSync(command)) {
  const { installCommand } = await import(command.href);
  process.exitCode = await installCommand(process.argv.slice(2));
} else {
  process.stderr.write(
    'native-tensorflow is not built yet; run "npm run setup" in the root of the workspace.\n',
  );
  process.exitCode = 1;
}
