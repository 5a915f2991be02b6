import type { Image } from '../image';
import { scoreAll } from '../score-all';
import { ocrReward, quotedText, textAccuracy } from './ocr-reward';
import type { TextRecogniser } from './text-recogniser';

const image: Image = { width: 1, height: 1, data: Uint8Array.of(1, 2, 3) };

/** Reads the same lines from every picture. */
function readerOf(...lines: string[]): TextRecogniser & { dispose: jest.Mock } {
  const corners = [
    [0, 0],
    [1, 0],
    [1, 1],
    [0, 1],
  ] as const;
  return {
    version: 'fake:1',
    read: () => Promise.resolve(lines.map((text) => ({ text, score: 1, corners }))),
    dispose: jest.fn(() => Promise.resolve()),
  };
}

it.each([
  ['STOP', 'STOP', 1],
  ['STOP', 's t o p', 1],
  ['Open Daily', 'opendaily', 1],
  ['STOP', 'do not stop here', 1],
  ['STOP', 'STEP', 1 - 1 / 4],
  ['STOP', 'TOP', 1 - 1 / 4],
  ['kitten', 'sitting', 1 - 3 / 6],
  ['STOP', '', 0],
  ['STOP', 'xyz', 0],
  ['STOP', 'a whole sentence of other words', 0],
])('scores %j read as %j', (target, read, expected) => {
  expect(textAccuracy(target, read).value).toBe(expected);
});

it('refuses to look for nothing', () => {
  expect(() => textAccuracy(' ', 'STOP')).toThrow(RangeError);
});

it('joins the lines', async () => {
  const reward = await ocrReward({ recogniser: readerOf('Happy', 'New Year') });
  const results = await scoreAll(reward, { images: [image], prompts: ['says "happy new year"'] });
  expect(results).toEqual([{ ok: true, value: 1, components: { distance: 0, lines: 2 } }]);
});

it.each(['a sign', 'a 5" pipe', 'a sign that says ""', 'a sign that says " "'])(
  'does not apply to the prompt %j, which asks for no text',
  async (prompt) => {
    const reward = await ocrReward({ recogniser: readerOf() });
    const results = await scoreAll(reward, { images: [image], prompts: [prompt] });
    expect(results).toEqual([
      expect.objectContaining({ ok: false, kind: 'not-applicable', retryable: false }),
    ]);
  },
);

it('looks for another target when told so', async () => {
  const target = { version: 'capitals:1', of: (prompt: string) => /[A-Z]+/.exec(prompt)?.[0] };
  const reward = await ocrReward({ target, recogniser: readerOf('STOP') });
  const results = await scoreAll(reward, { images: [image], prompts: ['a sign with STOP on it'] });
  expect(results).toMatchObject([{ ok: true, value: 1 }]);
  expect(reward.version).toBe('1:capitals:1:fake:1');
});

it('leaves a recogniser that it was given to its owner', async () => {
  const recogniser = readerOf();
  await (
    await ocrReward({ recogniser })
  ).dispose!();
  expect(recogniser.dispose).not.toHaveBeenCalled();
});

it('takes the first quoted text', () => {
  expect(quotedText.of('A "first" and a "second"')).toBe('first');
  expect(quotedText.of("it's 'single'")).toBeUndefined();
});
