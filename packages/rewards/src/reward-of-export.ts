/** What the export of a module stands for: a reward, a function that scores, or one that makes a reward of settings. */
import { rewardProblem } from './assert-reward';
import { rewardFromFunction, type ScoringFunction } from './define-reward';
import { describeValue } from './describe-value';
import type { Reward } from './reward';

const EXPECTED =
  'a reward, a function ({ images, prompts }) => numbers, or a function of its settings that returns a reward';

/** What a function reads from its first argument where that is a batch of images. */
const READ_FROM_IMAGES = ['images', 'prompts', 'length', 'map', 'forEach', Symbol.iterator];

/**
 * Makes a reward of what a module exports.
 *
 * - An object is a reward.
 * - A function of two or more parameters, `(images, prompts) => …`, scores.
 * - Any other function is called once with the settings. One that reads `images`, `prompts` or what a list of images has
 *   from them scores: it is ended there, before it has seen any image. One that returns a reward makes rewards.
 *
 * @param name of a reward that is made of a function
 * @throws {Error} that says what the export is, for what is none of these
 */
export async function rewardOfExport(
  found: unknown,
  name: string,
  settings: Readonly<Record<string, unknown>>,
): Promise<Reward> {
  const hasSettings = Object.keys(settings).length > 0;
  if (typeof found !== 'function') {
    assertMade(found, 'its export');
    if (hasSettings) throw new Error('it takes no settings: its export is a reward');
    return found;
  }
  const made = await callWithSettings(found as AnyFunction, settings);
  if (made === SCORES) {
    if (hasSettings) throw new Error('it takes no settings: its export scores images');
    return rewardFromFunction(found as ScoringFunction, name);
  }
  assertMade(made, 'what its export returned for its settings');
  return made;
}

function assertMade(made: unknown, what: string): asserts made is Reward {
  const isObject = typeof made === 'object' && made !== null && !Array.isArray(made);
  if (!isObject) throw new Error(`${what} is ${describeValue(made)}; expected ${EXPECTED}`);
  const problem = rewardProblem(made);
  if (problem !== undefined) throw new Error(`${what} ${problem}`);
}

type AnyFunction = (settings: object) => unknown;

const SCORES = Symbol('a function that scores');

async function callWithSettings(
  found: AnyFunction,
  settings: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  if (found.length >= 2) return SCORES;
  const read = { images: false };
  const given = { ...settings };
  for (const key of READ_FROM_IMAGES) {
    if (key in settings) continue;
    // Not enumerable: what copies or checks settings does not see it.
    Object.defineProperty(given, key, {
      configurable: true,
      get() {
        read.images = true;
        throw new Error('There are no images yet.');
      },
    });
  }
  try {
    const made = await found(given);
    return read.images ? SCORES : made;
  } catch (error) {
    if (read.images) return SCORES;
    const why = error instanceof Error ? error.message : String(error);
    // What somebody mistook for something else shows as a TypeError; every other error is the export's own.
    const hint = error instanceof TypeError ? `; expected ${EXPECTED}` : '';
    throw new Error(`its export, called with its settings, threw: ${why}${hint}`, { cause: error });
  }
}
