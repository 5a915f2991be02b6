/** The command line, on the sources. */
import { runCommandLine } from '@loop-diffusion/trainer';

process.exitCode = await runCommandLine(process.argv.slice(2));
