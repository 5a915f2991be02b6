/** `--set key.path=value`, laid over what the configuration file says. */
import { parse } from 'yaml';

import { UsageError } from '../usage-error';

export type PlainObject = Record<string, unknown>;

/**
 * @param overrides `key.path=value` each; the value is read as YAML, so `[1, 2]`, `null` and `1e-3` are what they look like
 * @param flag that they were given by, for messages
 * @returns a new object; `base` stays as it is
 * @throws UsageError when an override is not of this form
 */
export function applyOverrides(
  base: PlainObject,
  overrides: readonly string[],
  flag = '--set',
): PlainObject {
  const result = structuredClone(base);
  for (const override of overrides) {
    const { path, value } = parseOverride(override, flag);
    setAt(result, path, value, `${flag} ${override}`);
  }
  return result;
}

function parseOverride(override: string, flag: string): { path: string[]; value: unknown } {
  const equals = override.indexOf('=');
  const path = override.slice(0, Math.max(equals, 0)).trim().split('.');
  if (equals <= 0 || path.includes('')) {
    throw new UsageError(
      `${flag} expects key.path=value, such as optimizer.learningRate=1e-3, not '${override}'`,
    );
  }
  const text = override.slice(equals + 1);
  try {
    return { path, value: parse(text) as unknown };
  } catch {
    throw new UsageError(
      `${flag} ${path.join('.')} has a value that is not YAML: '${text}'; put quotes around a text with special characters`,
    );
  }
}

function setAt(root: PlainObject, path: readonly string[], value: unknown, override: string): void {
  let holder: PlainObject = root;
  for (const [position, segment] of path.entries()) {
    if (Array.isArray(holder) && !/^\d{1,4}$/.test(segment)) {
      throw new UsageError(
        `${override}: '${path.slice(0, position).join('.')}' is a list, so '${segment}' must be an index from 0`,
      );
    }
    if (Array.isArray(holder) && Number(segment) > holder.length) {
      throw new UsageError(
        `${override}: '${path.slice(0, position).join('.')}' has ${String(holder.length)} entries, so there is no index ${segment}`,
      );
    }
    if (position === path.length - 1) {
      define(holder, segment, value);
      return;
    }
    const next = Object.hasOwn(holder, segment) ? holder[segment] : undefined;
    if (next === null && position === 0 && segment === 'lora') {
      // Elsewhere null is what a section is by default, and giving one of its keys is asking for it.
      throw new UsageError(
        `${override}: lora is null, which trains all weights of the UNet, so that there is no adapter to set ${path.slice(1).join('.')} of; --set lora={} before it asks for one`,
      );
    }
    if (typeof next === 'object' && next !== null) holder = next as PlainObject;
    else {
      const made: PlainObject = {};
      define(holder, segment, made);
      holder = made;
    }
  }
}

/** Plain assignment would let `__proto__` change the object's prototype instead of being refused as an unknown key. */
function define(holder: PlainObject, name: string, value: unknown): void {
  Object.defineProperty(holder, name, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}
