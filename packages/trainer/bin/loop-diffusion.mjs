#!/usr/bin/env node
import { existsSync } from 'node:fs';

const commandLine = new URL('../dist/command-line.js', import.meta.url);
if (existsSync(commandLine)) {
  const { runCommandLine } = await import(commandLine.href);
  process.exitCode = await runCommandLine(process.argv.slice(2));
} else {
  process.stderr.write(
    'loop-diffusion is not built yet; run "npm run setup" in the root of the workspace.\n',
  );
  process.exitCode = 1;
}
