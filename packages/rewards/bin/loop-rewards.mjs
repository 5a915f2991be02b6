#!/usr/bin/env node
import { existsSync } from 'node:fs';

const library = new URL('../dist/command-line.js', import.meta.url);
if (existsSync(library)) {
  const { runRewardsCommandLine } = await import(library.href);
  process.exitCode = await runRewardsCommandLine(process.argv.slice(2));
} else {
  process.stderr.write(
    'loop-rewards is not built yet; run "npm run setup" in the root of the workspace.\n',
  );
  process.exitCode = 1;
}
