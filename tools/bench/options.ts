/** The command line of the benchmark. */
import { parseArgs } from 'node:util';

import type { CaseGroup } from './results';

export interface BenchOptions {
  readonly groups: readonly CaseGroup[];
  /** Names of cases, or first parts of names; empty for all of the groups. */
  readonly only: readonly string[];
  readonly rounds: number;
  readonly device: 'cpu' | 'gpu';
  readonly smoke: boolean;
  readonly output: string;
}

export const USAGE = `npm run bench -- [options]

  --full               the cases that take longer, too
  --only NAME,NAME     these cases; a first part of a name is enough
  --rounds N           repetitions of each that count (5), after one that does not
  --device cpu|gpu     where the work is done (cpu)
  --output FOLDER      where results.json goes (runs/bench)
  --smoke              the smallest sizes, one round: tries out the suite, measures nothing`;

/** @throws an error whose message says what is wrong with which option */
export function parseBenchOptions(args: readonly string[]): BenchOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      full: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      rounds: { type: 'string' },
      device: { type: 'string', default: 'cpu' },
      smoke: { type: 'boolean', default: false },
      output: { type: 'string', default: 'runs/bench' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const { device, smoke, output } = values;
  if (device !== 'cpu' && device !== 'gpu') {
    throw new RangeError(`--device is ${device}; it must be cpu or gpu.`);
  }
  const rounds = Number(values.rounds ?? (smoke ? 1 : 5));
  if (!Number.isSafeInteger(rounds) || rounds < 1) {
    throw new RangeError(
      `--rounds is ${values.rounds ?? ''}; it must be a whole number from 1 on.`,
    );
  }
  const only = values.only.split(',').filter((name) => name !== '');
  return {
    groups: values.full ? ['quick', 'full'] : ['quick'],
    only,
    rounds,
    device,
    smoke,
    output,
  };
}
