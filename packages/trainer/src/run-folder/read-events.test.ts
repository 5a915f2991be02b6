import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { exampleEvaluation, exampleIteration } from '../testing/example-run';
import { UserError } from '../user-error';
import type { RunEvent } from './event-log';
import { historyOfEvents, readEvents } from './read-events';

let base: string;
let path: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
  path = join(base, 'events.jsonl');
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

describe('readEvents', () => {
  test('reads an event a line, in their order', () => {
    writeFileSync(path, '{"event":"a","text":"ä\\n"}\n{"event":"b"}\n');
    expect(readEvents(path)).toEqual([{ event: 'a', text: 'ä\n' }, { event: 'b' }]);
  });

  test('lines may be longer than what is read at a time, and letters lie across its border', () => {
    const long = { event: 'long', text: 'ä'.repeat(1.5 * 1024 ** 2) };
    writeFileSync(path, `${JSON.stringify(long)}\n{"event":"b"}\n${JSON.stringify(long)}\n`);
    expect(readEvents(path)).toEqual([long, { event: 'b' }, long]);
  });

  test.each([
    ['half a line', '{"event":"b","te'],
    ['a line without its newline', '{"event":"b"}'],
    ['half a letter', Buffer.from('{"event":"ä').subarray(0, -1)],
    ['the zeros that some file systems leave', '\0\0\0\0'],
  ])('leaves %s at the end out', (_, torn) => {
    writeFileSync(path, Buffer.concat([Buffer.from('{"event":"a"}\n'), Buffer.from(torn)]));
    expect(readEvents(path)).toEqual([{ event: 'a' }]);
  });

  test('an empty file has no events', () => {
    writeFileSync(path, '');
    expect(readEvents(path)).toEqual([]);
  });

  test.each([
    ['half a line', '{"event":"b","te'],
    ['an empty line', ''],
    ['another value', '[1]'],
    ['null', 'null'],
    ['an object without a name', '{"iteration":1}'],
    ['letters that are none', Buffer.from([0x22, 0xff, 0x22])],
  ])('names the line of %s before the end', (_, line) => {
    const lines = ['{"event":"a"}\n', line, '\n{"event":"c"}\n'];
    writeFileSync(path, Buffer.concat(lines.map((part) => Buffer.from(part))));
    expect(() => readEvents(path)).toThrow(UserError);
    expect(() => readEvents(path)).toThrow(
      `The event file '${path}' is damaged in line 2: it is not an event in JSON; without that line it can be read`,
    );
  });

  test('a file that is missing, a folder, or too large is one sentence', () => {
    expect(() => readEvents(path)).toThrow('it does not exist');
    expect(() => readEvents(base)).toThrow('it is a folder, not a file');
    writeFileSync(path, '');
    truncateSync(path, 1.2e9);
    expect(() => readEvents(path)).toThrow('it has 1.2 GB, and at most 1 GB is read');
  });
});

describe('historyOfEvents', () => {
  const iteration = (number: number, mean = 0): RunEvent => ({
    event: 'iteration',
    ...exampleIteration(number),
    reward: { mean, std: 0 },
  });
  const evaluation = (name: string, mean = 0): RunEvent => ({
    event: 'evaluation',
    ...exampleEvaluation(name, mean),
  });
  const resume = (number: number): RunEvent => ({ event: 'resume', iteration: number });

  function outline(events: RunEvent[]) {
    const { iterations, evaluations } = historyOfEvents(events, 'events.jsonl');
    return {
      iterations: iterations.map((record) => [record.iteration, record.reward.mean]),
      evaluations: evaluations.map((entry) => [entry.iteration, entry.record.name]),
    };
  }

  test('an evaluation belongs to the iterations that were done before it', () => {
    const events = [
      { event: 'start', config: {} },
      evaluation('before'),
      ...[iteration(1), iteration(2), evaluation('iteration-2'), iteration(3), evaluation('after')],
      { event: 'finish', summary: {} },
    ];
    expect(outline(events)).toEqual({
      iterations: [
        [1, 0],
        [2, 0],
        [3, 0],
      ],
      evaluations: [
        [0, 'before'],
        [2, 'iteration-2'],
        [3, 'after'],
      ],
    });
  });

  test('what was recorded after the iteration that a run went on from is superseded', () => {
    const events = [
      ...[evaluation('before'), iteration(1, 0.1), evaluation('iteration-1')],
      ...[iteration(2, 0.2), evaluation('iteration-2'), iteration(3, 0.3)],
      ...[resume(1), iteration(2, 0.4), evaluation('iteration-2')],
      ...[resume(2), iteration(3, 0.5), iteration(4, 0.6)],
      ...[resume(3)],
    ];
    expect(outline(events)).toEqual({
      iterations: [
        [1, 0.1],
        [2, 0.4],
        [3, 0.5],
      ],
      evaluations: [
        [0, 'before'],
        [1, 'iteration-1'],
        [2, 'iteration-2'],
      ],
    });
  });

  test('an evaluation that is made again right after resuming counts once, the later', () => {
    const { evaluations } = historyOfEvents(
      [iteration(1), evaluation('iteration-1', 0.1), resume(1), evaluation('iteration-1', 0.2)],
      'events.jsonl',
    );
    expect(evaluations.map(({ record }) => record.mean)).toEqual([0.2]);
  });

  test('events of other kinds pass, whatever they are called', () => {
    const events = ['samples', 'constructor', '__proto__'].map((event) => ({ event }));
    expect(outline(events)).toEqual({ iterations: [], evaluations: [] });
  });

  test('a figure that is none is null in JSON, and NaN again when it is read', () => {
    const written = [
      iteration(1, Number.NaN),
      { ...evaluation('after'), rewards: [1, Number.NaN], standardError: Number.NaN },
    ];
    const read = JSON.parse(JSON.stringify(written)) as RunEvent[];
    expect(outline(read).iterations).toEqual([[1, Number.NaN]]);
    expect(historyOfEvents(read, 'events.jsonl').evaluations[0]?.record).toEqual(written[1]);
  });

  test.each<[RunEvent]>([
    [{ event: 'iteration', iteration: 1 }],
    [{ ...iteration(1), reward: 3 }],
    [{ ...iteration(1), iteration: 0.5 }],
    [{ ...iteration(1), seconds: { rollout: 'long' } }],
    [{ ...evaluation('before'), rewards: 'many' }],
    [{ event: 'resume' }],
  ])('refuses %j', (event) => {
    expect(() => historyOfEvents([{ event: 'start' }, event], 'run/events.jsonl')).toThrow(
      `'run/events.jsonl' is damaged in line 2: it is not a whole event '${event.event}'`,
    );
  });
});
