/** From the settings of a search file to the space that is searched, and from a place in it to keys of a configuration. */
import type { Parameter, Settings, Space } from '@loop-diffusion/bayesian-search';

import { flatKeys } from '../study/variants';
import type { SearchedSetting, SearchSettings } from './search-file';

export function spaceOf({ settings }: Pick<SearchSettings, 'settings'>): Space {
  return Object.fromEntries(
    Object.entries(settings).map(([name, setting]) => [name, parameterOf(setting)]),
  );
}

function parameterOf(setting: SearchedSetting): Parameter {
  if ('scale' in setting) return setting;
  if (!('levels' in setting)) return { scale: 'choice', values: setting };
  const names = Object.keys(setting.levels);
  // Levels that have an order are as numbers, each as far from the next.
  return setting.ordered
    ? { scale: 'integer', min: 0, max: names.length - 1 }
    : { scale: 'choice', values: names };
}

/** Dotted keys, of which later ones override earlier ones. */
export function keysOf(
  { settings }: Pick<SearchSettings, 'settings'>,
  place: Settings,
): (readonly [string, unknown])[] {
  return Object.entries(place).flatMap(([name, value]): (readonly [string, unknown])[] => {
    const setting = settings[name];
    if (setting === undefined || !('levels' in setting)) return [[name, value]];
    return flatKeys(setting.levels[levelOf(setting, value)] ?? {});
  });
}

/** What a value is called: a level by its name, a number with three digits. */
export function valueText(setting: SearchedSetting | undefined, value: Settings[string]): string {
  if (setting !== undefined && 'levels' in setting) return levelOf(setting, value);
  if (typeof value !== 'number' || Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(3)));
}

function levelOf(
  { levels, ordered }: Extract<SearchedSetting, { levels: object }>,
  value: Settings[string],
): string {
  return ordered ? (Object.keys(levels)[Number(value)] ?? '') : String(value);
}
