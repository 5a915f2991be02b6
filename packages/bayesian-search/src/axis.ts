/** One key of a space: what may be set, and where it lies on [0, 1]. */

/** A value of a key. */
export type Setting = number | string | boolean;

export type Parameter =
  /** Any number from `min` to `max`, all alike likely, or their logarithms. */
  | { readonly scale: 'linear' | 'log'; readonly min: number; readonly max: number }
  /** Whole numbers from `min` to `max`; or 2ⁿ between them, which both are. */
  | { readonly scale: 'integer' | 'power-of-two'; readonly min: number; readonly max: number }
  /** Values without an order: each is as near to one as to the other. */
  | { readonly scale: 'choice'; readonly values: readonly Setting[] };

export interface Axis {
  /** Whether the kernel sees how far apart two coordinates are, or only whether they are the same. */
  readonly ordered: boolean;
  /** @throws RangeError when the value is not one of the key's */
  toCoordinate(value: Setting): number;
  toValue(coordinate: number): Setting;
  /** The coordinate of the value that a coordinate stands for. */
  snap(coordinate: number): number;
  /** Coordinates to draw a curve at: `count`, or fewer where there are fewer values; all of a choice. */
  grid(count: number): number[];
  /** Coordinates to try beside one: `step` (in [0, 1]) away, the next values, or the other choices. */
  neighbours(coordinate: number, step: number): number[];
}

/** More values than this are no key to be searched by a model with one length-scale. */
const MOST_VALUES = 10_000;

/** @throws RangeError when the parameter is none */
export function axisOf(key: string, parameter: Parameter): Axis {
  switch (parameter.scale) {
    case 'linear':
    case 'log':
      return continuousAxis(key, parameter.scale, limitsOf(key, parameter));
    case 'integer':
    case 'power-of-two':
      return discreteAxis(key, valuesBetween(key, parameter.scale, limitsOf(key, parameter)), true);
    case 'choice':
      return discreteAxis(key, choicesOf(key, parameter.values), false);
    default:
      throw new RangeError(
        `${key}: scale must be linear, log, integer, power-of-two or choice, got ` +
          `${String((parameter as { scale: unknown }).scale)}.`,
      );
  }
}

function continuousAxis(key: string, scale: 'linear' | 'log', [min, max]: Limits): Axis {
  if (scale === 'log' && min <= 0) {
    throw new RangeError(`${key}: a log scale needs min above 0, got ${min}. Use linear instead.`);
  }
  const [to, from] = scale === 'log' ? [Math.log, Math.exp] : [same, same];
  const [low, width] = [to(min), to(max) - to(min)];
  const snap = (coordinate: number) => Math.min(1, Math.max(0, coordinate));
  return {
    ordered: true,
    toCoordinate(value) {
      if (typeof value !== 'number' || !(value >= min && value <= max)) {
        throw new RangeError(
          `${key} must be a number from ${min} to ${max}, got ${String(value)}.`,
        );
      }
      return snap((to(value) - low) / width);
    },
    // The ends as they were written, for exp(log(min)) is not always min.
    toValue(coordinate) {
      if (coordinate <= 0) return min;
      return coordinate >= 1 ? max : Math.min(max, Math.max(min, from(low + coordinate * width)));
    },
    snap,
    grid: (count) => Array.from({ length: count }, (_, index) => index / (count - 1)),
    neighbours: (coordinate, step) => [snap(coordinate - step), snap(coordinate + step)],
  };
}

/** Each value has a cell of [0, 1] of its own and lies in its middle, so that a uniform coordinate is a uniform value. */
function discreteAxis(key: string, values: readonly Setting[], ordered: boolean): Axis {
  const count = values.length;
  const indexOf = (coordinate: number) =>
    Math.min(count - 1, Math.max(0, Math.floor(coordinate * count)));
  const coordinateOf = (index: number) => (index + 0.5) / count;
  const all = values.map((_, index) => coordinateOf(index));
  return {
    ordered,
    toCoordinate(value) {
      const index = values.indexOf(value);
      if (index >= 0) return coordinateOf(index);
      const allowed =
        count <= 12 ? values.join(', ') : `${values[0]}, ${values[1]}, … ${values.at(-1)}`;
      throw new RangeError(`${key} must be one of ${allowed}, got ${String(value)}.`);
    },
    toValue: (coordinate) => values[indexOf(coordinate)]!,
    snap: (coordinate) => coordinateOf(indexOf(coordinate)),
    grid(wanted) {
      if (!ordered || count <= wanted) return all;
      const spread = (index: number) => Math.round((index * (count - 1)) / (wanted - 1));
      return Array.from({ length: wanted }, (_, index) => coordinateOf(spread(index)));
    },
    neighbours(coordinate, step) {
      const index = indexOf(coordinate);
      if (!ordered) return all.filter((_, other) => other !== index);
      const away = Math.max(1, Math.round(step * count));
      return [index - away, index + away]
        .filter((other) => other >= 0 && other < count)
        .map(coordinateOf);
    },
  };
}

type Limits = readonly [min: number, max: number];

function limitsOf(
  key: string,
  { min, max }: { readonly min: number; readonly max: number },
): Limits {
  if (!(Number.isFinite(min) && Number.isFinite(max) && min < max)) {
    throw new RangeError(`${key}: min must be a number below max, got ${min} and ${max}.`);
  }
  return [min, max];
}

function valuesBetween(
  key: string,
  scale: 'integer' | 'power-of-two',
  [min, max]: Limits,
): number[] {
  const [to, from] = scale === 'integer' ? [same, same] : [Math.log2, exp2];
  const [first, last] = [to(min), to(max)];
  if (!Number.isInteger(first) || !Number.isInteger(last)) {
    const wanted = scale === 'integer' ? 'whole numbers' : 'powers of two, such as 0.5, 1 or 8';
    throw new RangeError(`${key}: min and max must be ${wanted}, got ${min} and ${max}.`);
  }
  if (last - first >= MOST_VALUES) {
    throw new RangeError(
      `${key}: at most ${MOST_VALUES} values, got ${last - first + 1}. Use a linear or log scale instead.`,
    );
  }
  return Array.from({ length: last - first + 1 }, (_, index) => from(first + index));
}

function choicesOf(key: string, values: readonly Setting[]): readonly Setting[] {
  if (!Array.isArray(values) || values.length < 2 || new Set(values).size < values.length) {
    throw new RangeError(`${key}: values must be a list of at least two, none twice.`);
  }
  return [...(values as readonly Setting[])];
}

const same = (value: number) => value;
const exp2 = (exponent: number) => 2 ** exponent;
