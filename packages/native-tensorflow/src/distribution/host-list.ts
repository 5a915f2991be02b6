import { mostWorkers, quote } from './cluster';
import { ClusterError } from './cluster-error';

/**
 * The hosts of a Slurm list, as `scontrol show hostnames` writes them: `gpu[01-03,7],login` is gpu01, gpu02, gpu03, gpu7 and
 * login. A name may have several ranges; the last one counts fastest.
 *
 * @throws ClusterError where it is no such list, or has more than 65,536 hosts
 */
export function expandHostList(list: string): string[] {
  const hosts: string[] = [];
  for (const entry of splitOutsideBrackets(list)) {
    if (!/^[A-Za-z0-9._-]*(\[[0-9,-]+\][A-Za-z0-9._-]*)*$/.test(entry) || entry === '') {
      throw noList(list);
    }
    let names = [''];
    for (const [position, text] of entry.split(/[[\]]/).entries()) {
      // What stood in brackets.
      const choices = position % 2 === 1 ? expandRanges(text, list) : [text];
      if (names.length * choices.length + hosts.length > mostWorkers) throw tooMany(list);
      names = names.flatMap((name) => choices.map((choice) => name + choice));
    }
    // One by one: arguments of a function are limited.
    for (const name of names) hosts.push(name);
  }
  return hosts;
}

/** `01-03,7` → 01, 02, 03, 7: numbers keep the width of a range's first one. */
function expandRanges(text: string, list: string): string[] {
  const numbers: string[] = [];
  for (const range of text.split(',')) {
    const [, first, last = first] = /^(\d{1,18})(?:-(\d{1,18}))?$/.exec(range) ?? [];
    if (first === undefined || last === undefined || BigInt(last) < BigInt(first)) {
      throw noList(list);
    }
    const count = BigInt(last) - BigInt(first) + 1n;
    if (count + BigInt(numbers.length) > mostWorkers) throw tooMany(list);
    for (let offset = 0n; offset < count; offset++) {
      numbers.push((BigInt(first) + offset).toString().padStart(first.length, '0'));
    }
  }
  return numbers;
}

function noList(list: string): ClusterError {
  return new ClusterError(
    `Slurm's list of hosts is ${quote(list)}, but must be names with ranges, as gpu[01-03,7],login.`,
  );
}

function tooMany(list: string): ClusterError {
  return new ClusterError(
    `Slurm's list of hosts ${quote(list)} has more than ${mostWorkers} of them, which is the most.`,
  );
}

/** In one pass: with a look ahead for each comma, a long list would take minutes. */
function splitOutsideBrackets(list: string): string[] {
  const entries: string[] = [];
  let start = 0;
  let isInside = false;
  for (let at = 0; at <= list.length; at++) {
    const character = list[at];
    if (character === '[') isInside = true;
    if (character === ']') isInside = false;
    if (at < list.length && (character !== ',' || isInside)) continue;
    entries.push(list.slice(start, at));
    start = at + 1;
  }
  return entries;
}
