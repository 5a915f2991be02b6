/** The command line, on the sources. */
import { runCommandLine } from '../../packages/trainer/src/command-line/run-command-line';

process.exitCode = await runCommandLine(process.argv.slice(2));
