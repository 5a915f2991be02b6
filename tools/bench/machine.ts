import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';

import type { Machine } from './results';

/** Those that decide which kernels a processor gets, as Linux names them. */
const INSTRUCTION_SETS = ['avx2', 'avx512f', 'avx512_bf16', 'amx_bf16'];

/** What the numbers were measured on. */
export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown processor',
    instructionSets: instructionSetsOf(readCpuInfo()),
    cores: availableParallelism(),
    memoryGigabytes: Math.round(totalmem() / 1e8) / 10,
    system: `${type()} ${release()}`,
    node: process.versions.node,
  };
}

/** @param cpuInfo as in /proc/cpuinfo, of which the first processor counts */
export function instructionSetsOf(cpuInfo: string): string[] {
  const [, flags = ''] = /^flags\s*:(.*)$/m.exec(cpuInfo) ?? [];
  const known = new Set(flags.trim().split(/\s+/));
  return INSTRUCTION_SETS.filter((name) => known.has(name));
}

/** Empty where the system has no such file: it is Linux alone that does. */
function readCpuInfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return '';
  }
}
