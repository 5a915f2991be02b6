import { axisOf } from './axis';
import type { Axis, Parameter, Setting } from './axis';
import type { Point } from './latin-hypercube';

/** The keys to be set and where each may lie; their order is that of the axes. */
export type Space = Readonly<Record<string, Parameter>>;

/** A value for every key of a space. */
export type Settings = Readonly<Record<string, Setting>>;

/** A space as the unit cube. */
export interface Cube {
  readonly keys: readonly string[];
  readonly axes: readonly Axis[];
  /** @throws RangeError when a key is missing or unknown, or its value not one of the space */
  readonly toPoint: (settings: Settings) => Point;
  readonly toSettings: (point: Point) => Settings;
  /** The point of the settings that a point stands for. */
  readonly snap: (point: Point) => Point;
}

/** @throws RangeError when the space has no keys or one is no parameter */
export function cubeOf(space: Space): Cube {
  const keys = Object.keys(space);
  if (keys.length === 0) throw new RangeError('A space needs at least one key.');
  const axes = keys.map((key) => axisOf(key, space[key]!));
  return {
    keys,
    axes,
    toPoint(settings) {
      const unknown = Object.keys(settings).find((key) => !keys.includes(key));
      if (unknown !== undefined) {
        throw new RangeError(`${unknown} is no key of the space, which has ${keys.join(', ')}.`);
      }
      return keys.map((key, index) => {
        const value = Object.hasOwn(settings, key) ? settings[key] : undefined;
        if (value === undefined) throw new RangeError(`${key} is missing from the settings.`);
        return axes[index]!.toCoordinate(value);
      });
    },
    toSettings: (point) =>
      Object.fromEntries(keys.map((key, index) => [key, axes[index]!.toValue(point[index]!)])),
    snap: (point) => axes.map((axis, index) => axis.snap(point[index]!)),
  };
}
