import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';

import { parse } from 'yaml';

import { resolveConfig } from '../configuration/resolve-config';
import { UserError } from '../user-error';
import { configFileText } from './config-file';
import { openEventLog, reopenEventLog } from './event-log';
import { createRunFolder, openRunFolder } from './run-folder';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

describe('createRunFolder', () => {
  test('makes the folder and those above it, and takes an empty one', () => {
    const folder = createRunFolder(join(base, 'runs', 'one'));
    folder.write('samples/a.txt', 'x');
    expect(readdirSync(folder.path).sort()).toEqual(['events.jsonl', 'run.lock', 'samples']);
    folder.close();
    expect(readdirSync(folder.path).sort()).toEqual(['events.jsonl', 'samples']);
    mkdirSync(join(base, 'empty'));
    createRunFolder(join(base, 'empty')).events.close();
  });

  test.each(['config.yaml', 'events.jsonl', 'summary.json'])(
    'refuses a folder that holds a run, by its %s, and leaves it as it is',
    (name) => {
      writeFileSync(join(base, name), 'precious');
      expect(() => createRunFolder(base)).toThrow('already holds a run');
      expect(readdirSync(base)).toEqual([name]);
      expect(readFileSync(join(base, name), 'utf8')).toBe('precious');
    },
  );

  test('refuses the second of two runs at the same time', () => {
    const folder = createRunFolder(join(base, 'run'));
    expect(() => createRunFolder(join(base, 'run'))).toThrow('is being worked on by process');
    folder.write('config.yaml', 'seed: 0');
    expect(() => createRunFolder(join(base, 'run'))).toThrow('already holds a run');
    folder.events.close();
  });

  test('takes over what a run left that was killed before it wrote its configuration', () => {
    const path = join(base, 'run');
    mkdirSync(path);
    writeFileSync(join(path, 'events.jsonl'), '');
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    const holder = { host: hostname(), pid, started: '1' };
    writeFileSync(join(path, 'run.lock'), JSON.stringify(holder));
    const folder = createRunFolder(path);
    folder.events.append({ event: 'start' });
    folder.close();
    expect(() => createRunFolder(path)).toThrow('already holds a run');
  });

  test('refuses a file, a folder with other things, and one that cannot be written', () => {
    writeFileSync(join(base, 'notes.txt'), 'x');
    expect(() => createRunFolder(base)).toThrow('not empty');
    expect(() => createRunFolder(join(base, 'notes.txt'))).toThrow('is a file');
    if (process.platform === 'linux') {
      expect(() => createRunFolder('/proc/loop-diffusion')).toThrow(UserError);
    }
  });

  test('a run that failed before its first record leaves no trace', () => {
    const folder = createRunFolder(join(base, 'runs', 'deep', 'one'));
    folder.write('config.yaml', 'seed: 0');
    folder.discardIfUnused();
    expect(readdirSync(base)).toEqual([]);

    mkdirSync(join(base, 'mine'));
    createRunFolder(join(base, 'mine')).discardIfUnused();
    expect(readdirSync(base)).toEqual(['mine']);
  });

  test('a run that recorded something, or whose folder got other files, stays', () => {
    const recorded = createRunFolder(join(base, 'recorded'));
    recorded.events.append({ event: 'start' });
    recorded.discardIfUnused();
    recorded.events.close();
    expect(existsSync(join(base, 'recorded', 'events.jsonl'))).toBe(true);

    const other = createRunFolder(join(base, 'other'));
    other.write('adapter/weights', 'x');
    other.discardIfUnused();
    expect(existsSync(join(base, 'other', 'adapter', 'weights'))).toBe(true);
  });
});

describe('openEventLog', () => {
  test('appends a line an event', () => {
    const path = join(base, 'events.jsonl');
    const log = openEventLog(path);
    log.append({ event: 'a', value: 1 });
    log.append({ event: 'b', text: 'two\nlines' });
    expect(log.count).toBe(2);
    log.close();
    log.close();
    expect(readFileSync(path, 'utf8')).toBe(
      '{"event":"a","value":1}\n{"event":"b","text":"two\\nlines"}\n',
    );
  });

  test('a full disk leaves whole lines only', () => {
    const path = join(base, 'events.jsonl');
    let full = false;
    let calls = 0;
    const log = openEventLog(path, (descriptor, bytes, offset) => {
      if (!full) return writeSync(descriptor, bytes, offset);
      if (calls++ === 0) return writeSync(descriptor, bytes, offset, 5);
      throw Object.assign(new Error('full'), { code: 'ENOSPC', syscall: 'write' });
    });
    log.append({ event: 'a' });
    full = true;
    expect(() => {
      log.append({ event: 'b' });
    }).toThrow('no space is left on the disk');
    full = false;
    log.append({ event: 'c' });
    log.close();
    expect(readFileSync(path, 'utf8')).toBe('{"event":"a"}\n{"event":"c"}\n');
  });

  (process.platform === 'linux' ? test : test.skip)('a device that is always full', () => {
    const log = openEventLog(join(base, 'events.jsonl'), (_, bytes) => writeFullDevice(bytes));
    expect(() => {
      log.append({ event: 'a' });
    }).toThrow('no space is left on the disk');
    log.close();
  });
});

describe('going on with a run', () => {
  test('appends to the events, after cutting off half a line', () => {
    const path = join(base, 'events.jsonl');
    writeFileSync(path, '{"event":"a"}\n{"event":"b"}\n{"eve');
    const log = reopenEventLog(path);
    expect(log.count).toBe(2);
    log.append({ event: 'c' });
    log.close();
    expect(readFileSync(path, 'utf8')).toBe('{"event":"a"}\n{"event":"b"}\n{"event":"c"}\n');
  });

  test('is for one process at a time, and for the folder of a run', () => {
    expect(() => openRunFolder(base)).toThrow('it has no config.yaml');
    const run = createRunFolder(join(base, 'run'));
    run.write('config.yaml', 'seed: 0');
    expect(() => openRunFolder(run.path)).toThrow(`being worked on by process ${process.pid}`);
    run.close();
    const again = openRunFolder(run.path);
    again.discardIfUnused();
    again.close();
    expect(existsSync(join(run.path, 'events.jsonl'))).toBe(true);
  });
});

function writeFullDevice(bytes: Uint8Array): number {
  writeFileSync('/dev/full', bytes);
  return bytes.length;
}

test('config.yaml explains its keys and is a configuration again', () => {
  const config = resolveConfig({ seed: 5, rewards: [{ name: 'shapes', weight: 0.5 }] }, []);
  const text = configFileText(config);
  expect(text).toContain('seed: 5 # seed of every draw');
  expect(resolveConfig(parse(text), [])).toEqual(config);
});
