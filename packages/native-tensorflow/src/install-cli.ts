/** The same as the package's command, from the workspace's sources. */
import { installCommand } from './install-command';

process.exitCode = await installCommand(process.argv.slice(2));
