/** `npx @loop-diffusion/native-tensorflow install`, for whoever uses this package by itself. */
import { parseArgs } from 'node:util';
import { installNativeTensorflow } from './install';

const usage = `Usage: npx @loop-diffusion/native-tensorflow install [--gpu] [--quick]

Installs TensorFlow's native library for this user, or checks the one that is there and makes it anew where it is damaged.

  --gpu    the build for NVIDIA GPUs instead of the one for the processor
  --quick  believe what is installed by its files' sizes
  --help   this text
`;

export interface InstallFlags {
  readonly help: boolean;
  readonly gpu: boolean;
  readonly verify: boolean;
}

/** @throws Error with a sentence when the arguments are none of these */
export function parseInstallArguments(given: readonly string[]): InstallFlags {
  const { values, positionals } = parseArgs({
    args: [...given],
    allowPositionals: true,
    options: {
      gpu: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false, short: 'h' },
    },
  });
  if (!values.help && positionals.join(' ') !== 'install') {
    const said =
      positionals.length === 0 ? 'no command was given' : `not "${positionals.join(' ')}"`;
    throw new Error(`The command is "install"; ${said}.`);
  }
  return { help: values.help, gpu: values.gpu, verify: !values.quick };
}

/** @returns the exit code */
export async function installCommand(given: readonly string[]): Promise<number> {
  let flags: InstallFlags;
  try {
    flags = parseInstallArguments(given);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  if (flags.help) {
    console.log(usage);
    return 0;
  }
  return install(flags);
}

async function install({ gpu, verify }: InstallFlags): Promise<number> {
  const started = Date.now();
  const terminal = process.stderr.isTTY;
  let lastMessage = '';
  const clear = (): void => {
    if (terminal) process.stderr.write('\r\x1b[K');
  };
  try {
    const { folder, alreadyThere, notes } = await installNativeTensorflow({
      gpu,
      verify,
      onProgress(message, fraction) {
        if (terminal) {
          const share = fraction === undefined ? '' : ` ${Math.round(fraction * 100).toString()} %`;
          process.stderr.write(`\r\x1b[KTensorFlow: ${message}${share}`);
        } else if (message !== lastMessage) {
          console.error(`TensorFlow: ${message}`);
          lastMessage = message;
        }
      },
    });
    clear();
    const seconds = Math.round((Date.now() - started) / 1000).toString();
    if (!alreadyThere) {
      console.error(`TensorFlow's native library is installed in ${folder} (${seconds} s).`);
    } else if (verify) {
      console.error(`TensorFlow's native library is already in ${folder}, and whole.`);
    }
    for (const note of notes) console.error(note);
    return 0;
  } catch (error) {
    clear();
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  }
}
