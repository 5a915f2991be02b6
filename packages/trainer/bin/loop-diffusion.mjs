#!/usr/bin/env node
import { existsSync } from 'node:fs';

const commandLine = new URL('../dist/command-line.js', import.meta.url);
if (existsSync(commandLine)) {
  const { runCommandLine } = await import(commandLine.href);
  const code = await runCommandLine(process.argv.slice(2));
  process.exitCode = code;
  // What a reward still holds open, such as a call that does not heed its signal, keeps nobody waiting: all is written. After a
  // failure trackers are still being told.
  const patience = code === 1 ? 15_000 : 500;
  setTimeout(() => process.exit(), patience).unref();
} else {
  process.stderr.write(
    'loop-diffusion is not built yet; run "npm run setup" in the root of the workspace.\n',
  );
  process.exitCode = 1;
}
