/** The command line, on the sources. */
import { runCommandLine } from '../check/command-lines';

process.exitCode = await runCommandLine(process.argv.slice(2));
