/** What a server says, looked at before it is believed. */
import { resultSchema, untrustedAnswerSchema } from '../protocol/schemas';
import { rewardFailure, type RewardResult } from '../reward';
import { RemoteFailure } from './remote-failure';

export interface ExpectedAnswer {
  readonly count: number;
  readonly reward: string;
  readonly version: string;
}

/**
 * @returns one result per image; one that is none (`malformed`) or not finite (`non-finite`) is a failure of its image
 * @throws {RemoteFailure} `malformed`, `wrong-count`, or `version-changed`, which concern all images
 */
export function parseAnswer(text: string, expected: ExpectedAnswer): RewardResult[] {
  const parsed = untrustedAnswerSchema.safeParse(parseLooseJson(text));
  if (!parsed.success) {
    throw new RemoteFailure('malformed', 'The reward server gave no answer that can be read.');
  }
  const { results, reward, version } = parsed.data;
  if (reward !== expected.reward || version !== expected.version) {
    const was = `"${expected.reward}" version "${expected.version}"`;
    const message = `The reward server has "${reward}" version "${version}" now; it had ${was} at the start.`;
    throw new RemoteFailure('version-changed', message.slice(0, 400));
  }
  if (results.length !== expected.count) {
    const message = `The reward server gave ${results.length} results for ${expected.count} images.`;
    throw new RemoteFailure('wrong-count', message);
  }
  return results.map(readResult);
}

function readResult(result: unknown): RewardResult {
  const parsed = resultSchema.safeParse(result);
  if (parsed.success) {
    const { data } = parsed;
    if (!data.ok) return data;
    const { ok, value, components } = data;
    return components === undefined ? { ok, value } : { ok, value, components };
  }
  const { ok, value } = (result ?? {}) as Record<string, unknown>;
  if (ok === true && (value === null || (typeof value === 'number' && !Number.isFinite(value)))) {
    return rewardFailure('non-finite', 'The reward server gave no finite value.');
  }
  return rewardFailure('malformed', 'The reward server gave no result for this image.');
}

/** Python writes NaN and Infinity, which JSON lacks: read as null, they spoil one image and not the whole answer. */
function parseLooseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const strict = text.replace(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/gs, (token) =>
      token.startsWith('"') ? token : 'null',
    );
    try {
      return JSON.parse(strict);
    } catch {
      return undefined;
    }
  }
}
