/** More would take an adapter from strangers' hands too long to match. */
const MAXIMUM_LENGTH = 256;
const MAXIMUM_REPEATS = 4;

/**
 * peft's `rank_pattern` and `alpha_pattern`: values by regular expressions, of which one that matches a whole path, or the
 * end of one after a dot, gives the path its value; the first one counts (`peft.utils.other.get_pattern_key`).
 *
 * @throws Error for an expression that JavaScript does not know, or that can take exponential time
 */
export function patternReader<Value>(
  patterns: Readonly<Record<string, Value>>,
): (path: string) => Value | undefined {
  const compiled = Object.entries(patterns).map(
    ([pattern, value]) => [compile(pattern), value] as const,
  );
  return (path) => compiled.find(([expression]) => expression.test(path))?.[1];
}

function compile(pattern: string): RegExp {
  const repeats = pattern.match(/[*+{]/g)?.length ?? 0;
  const isTooMuch = pattern.length > MAXIMUM_LENGTH || repeats > MAXIMUM_REPEATS;
  if (isTooMuch || /\)[*+{]/.test(pattern)) {
    throw new Error(`${JSON.stringify(pattern)} is too complicated a pattern of module names`);
  }
  try {
    return new RegExp(`^(?:.*\\.)?(?:${pattern})$`);
  } catch {
    throw new Error(`${JSON.stringify(pattern)} is not a pattern of module names`);
  }
}
