import { captureOutput } from '../testing/captured-output';
import { ENDS_WITH_PARENT } from '../study/launch-run';
import type { CommandContext } from './context';
import { listenForInterruption } from './interruption';

function listen() {
  const exits: number[] = [];
  const output = captureOutput();
  const context = { output, exit: (code: number) => exits.push(code) } as unknown as CommandContext;
  return { ...listenForInterruption(context, 'Ending.'), exits, output };
}

test('the first signal ends with a checkpoint, the second at once', () => {
  const { signal, exits, output, release } = listen();
  process.emit('SIGTERM');
  expect([signal.aborted, exits]).toEqual([true, []]);
  process.emit('SIGINT');
  expect(exits).toEqual([130]);
  expect(output.errorText()).toBe('\nEnding.\n');
  release();
});

describe('of a process that ends with the one that started it', () => {
  const { env } = process;
  const channels = ['connected', 'channel'] as const;
  const before = channels.map((name) => Object.getOwnPropertyDescriptor(process, name));
  beforeEach(() => {
    process.env = { ...env, [ENDS_WITH_PARENT]: '1' };
    // Of jest's own processes the channel is jest's.
    const connected = { value: true, configurable: true };
    Object.defineProperties(process, {
      connected,
      channel: { value: undefined, configurable: true },
    });
  });
  afterEach(() => {
    process.env = env;
    for (const [index, name] of channels.entries()) {
      const own = before[index];
      if (own === undefined) Reflect.deleteProperty(process, name);
      else Object.defineProperty(process, name, own);
    }
  });

  // A checkpoint may be under way, and who is gone sends no second signal.
  it('no message, and no end of the other, is a second signal', () => {
    const { signal, exits, output, release } = listen();
    process.emit('message', { end: 'Worker 1 was killed (SIGKILL).' }, undefined);
    expect(signal.aborted).toBe(true);
    process.emit('message', { end: 'Worker 2 ended.' }, undefined);
    process.emit('disconnect');
    expect(exits).toEqual([]);
    expect(output.errorText()).toContain('\nWorker 1 was killed (SIGKILL).\n\nEnding.\n');
    release();
  });

  it('other messages are nothing to it', () => {
    const { signal, release } = listen();
    process.emit('message', { other: 1 }, undefined);
    expect(signal.aborted).toBe(false);
    release();
  });
});
