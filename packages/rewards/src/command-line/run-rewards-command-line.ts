/** `loop-rewards <command>`: rewards as a server. */
import { createRequire } from 'node:module';

import { loadReward } from '../load-reward';
import { type Reward } from '../reward';
import { serveRewards } from '../serve/serve-rewards';
import { parseSettings } from './parse-settings';
import { UsageError } from './usage-error';

export interface RewardsCommandContext {
  readonly writeOut: (text: string) => void;
  readonly writeError: (text: string) => void;
  /** Aborted when the server is to end; SIGINT and SIGTERM end it too. */
  readonly signal?: AbortSignal | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

interface ServeFlags {
  readonly reward: string[];
  readonly set: string[];
  readonly port: number;
  readonly host: string;
  readonly tokenEnv?: string;
  readonly maxBatch?: number;
  readonly maxBodyMib?: number;
  readonly queue?: number;
  readonly grace: number;
  readonly json?: boolean;
}

/**
 * Runs one command.
 * @param argv what stands after the program's name
 * @returns the exit code: 0, 1 for an error, 2 for wrong usage
 */
export async function runRewardsCommandLine(
  argv: readonly string[],
  parts: Partial<RewardsCommandContext> = {},
): Promise<number> {
  const context: RewardsCommandContext = {
    writeOut: (text) => void process.stdout.write(text),
    writeError: (text) => void process.stderr.write(text),
    environment: process.env,
    ...parts,
  };
  const { Command, CommanderError, InvalidArgumentError } = await import('commander');
  const wholeNumber = (least: number, most: number) => (text: string) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
  const collect = (text: string, texts: string[]) => [...texts, text];

  const program = new Command('loop-rewards')
    .description('Serves rewards for text-to-image models over HTTP.')
    .version(ownVersion())
    .exitOverride()
    .showHelpAfterError('Run with --help for the flags.')
    .configureOutput({
      writeOut: context.writeOut,
      writeErr: context.writeError,
      outputError: (text, write) => write(text.replace(/^error: /, '')),
    });
  program
    .command('serve')
    .description('serve rewards until SIGINT or SIGTERM; TLS is for a proxy in front')
    .requiredOption(
      '--reward <name>',
      'a reward by name, PACKAGE#export or ./file.mjs#export; may be repeated (required)',
      collect,
      [],
    )
    .option('--set <name.key=value>', 'a setting of a reward; may be repeated', collect, [])
    .requiredOption(
      '--port <n>',
      'port to listen on; 0 takes a free one (required)',
      wholeNumber(0, 65_535),
    )
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--token-env <variable>', 'environment variable that holds the bearer token')
    .option('--max-batch <n>', 'images in one request', wholeNumber(1, 1_000_000))
    .option('--max-body-mib <n>', 'MiB of one request', wholeNumber(1, 1024))
    .option('--queue <n>', 'requests per reward that may wait', wholeNumber(0, 1_000_000))
    .option('--grace <s>', 'seconds to finish what is under way', wholeNumber(0, 86_400), 10)
    .option('--json', 'one JSON object with the url, for machines')
    .action((flags: ServeFlags) => serve(flags, context));
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return 0;
  } catch (error) {
    // Commander has written its own message, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const message = error instanceof Error ? error.message : String(error);
    context.writeError(`${/[.!?…]$/.test(message) ? message : `${message}.`}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

async function serve(flags: ServeFlags, context: RewardsCommandContext): Promise<void> {
  if (flags.reward.length === 0) throw new UsageError('Name at least one reward with --reward.');
  const requests = parseSettings(flags.reward, flags.set);
  const token = readToken(flags.tokenEnv, context);
  const rewards: Reward[] = [];
  const ending = listenForEnd(context.signal);
  try {
    for (const { name, settings } of requests) rewards.push(await loadReward(name, settings));
    const { maxBatch, maxBodyMib, queue } = flags;
    const server = await serveRewards({
      rewards,
      port: flags.port,
      host: flags.host,
      token,
      limits: {
        ...(maxBatch === undefined ? {} : { maximumImages: maxBatch }),
        ...(maxBodyMib === undefined ? {} : { maximumBodyBytes: maxBodyMib * 2 ** 20 }),
        ...(queue === undefined ? {} : { queue }),
      },
      onError: (error) =>
        context.writeError(
          `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
        ),
    });
    const names = rewards.map(({ name }) => name);
    context.writeOut(
      flags.json === true
        ? `${JSON.stringify({ url: server.url, rewards: names })}\n`
        : `${server.url}\n`,
    );
    await ending.asked;
    await server.close({ graceMs: flags.grace * 1000 });
  } finally {
    ending.release();
    for (const reward of rewards) await reward.dispose?.();
  }
}

/** @throws {UsageError} when the variable is not set: a server without its token would be open */
function readToken(
  variable: string | undefined,
  { environment }: RewardsCommandContext,
): string | undefined {
  if (variable === undefined) return undefined;
  const token = environment[variable];
  if (token !== undefined && token !== '') return token;
  throw new UsageError(`The environment variable ${variable} of --token-env is not set.`);
}

function listenForEnd(signal: AbortSignal | undefined) {
  let end = () => {};
  const asked = new Promise<void>((resolve) => (end = resolve));
  process.once('SIGINT', end).once('SIGTERM', end);
  signal?.addEventListener('abort', end, { once: true });
  return {
    asked,
    release() {
      process.off('SIGINT', end).off('SIGTERM', end);
      signal?.removeEventListener('abort', end);
    },
  };
}

function ownVersion(): string {
  try {
    const manifest: unknown = createRequire(import.meta.url)(
      '@loop-diffusion/rewards/package.json',
    );
    return (manifest as { version: string }).version;
  } catch {
    return 'unknown';
  }
}
