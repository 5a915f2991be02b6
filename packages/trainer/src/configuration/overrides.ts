/** `--set key.path=value`, laid over what the configuration file says. */
import { isScalar, parseDocument } from 'yaml';

import { UsageError } from '../usage-error';

export type PlainObject = Record<string, unknown>;

/**
 * @param overrides `key.path=value` each; the value is read as YAML, so `[1, 2]`, `null` and `1e-3` are what they look like. A
 * `#` is part of the value: nobody writes comments there.
 * @param options.flag that they were given by, for messages
 * @param options.defaultList the list that a path holds where `base` does not say, so that one of its entries can be set
 * @returns a new object; `base` stays as it is
 * @throws UsageError when an override is not of this form
 */
export function applyOverrides(
  base: PlainObject,
  overrides: readonly string[],
  options: OverrideOptions = {},
): PlainObject {
  const { flag = '--set', defaultList = () => undefined } = options;
  const result = structuredClone(base);
  for (const override of overrides) {
    const { path, value } = parseOverride(override, flag);
    setAt(result, path, { value, override: `${flag} ${override}`, defaultList });
  }
  return result;
}

export interface OverrideOptions {
  readonly flag?: string;
  readonly defaultList?: (path: readonly string[]) => readonly unknown[] | undefined;
}

function parseOverride(override: string, flag: string): { path: string[]; value: unknown } {
  const equals = override.indexOf('=');
  const path = override.slice(0, Math.max(equals, 0)).trim().split('.');
  if (equals <= 0 || path.includes('')) {
    throw new UsageError(
      `${flag} expects key.path=value, such as optimizer.learningRate=1e-3, not '${override}'`,
    );
  }
  return {
    path,
    value: parseValue(override.slice(equals + 1).trim(), `${flag} ${path.join('.')}`),
  };
}

function parseValue(text: string, key: string): unknown {
  if (text === '') {
    throw new UsageError(`${key} has no value; write null or '' where that is meant`);
  }
  const document = parseDocument(text, { logLevel: 'silent' });
  const { contents } = document;
  const isPlainText = contents === null || (isScalar(contents) && contents.type === 'PLAIN');
  const hasComment = [document.commentBefore, document.comment, contents?.comment].some(Boolean);
  if (hasComment && isPlainText) return text;
  if (hasComment || document.errors.length > 0) {
    throw new UsageError(
      `${key} has a value that is not YAML: '${text}'; put quotes around a text with special characters`,
    );
  }
  return document.toJS() as unknown;
}

interface Assignment {
  readonly value: unknown;
  /** For messages. */
  readonly override: string;
  readonly defaultList: NonNullable<OverrideOptions['defaultList']>;
}

function setAt(
  root: PlainObject,
  path: readonly string[],
  { value, override, defaultList }: Assignment,
): void {
  let holder: PlainObject = root;
  for (const [position, segment] of path.entries()) {
    if (Array.isArray(holder) && !INDEX.test(segment)) {
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
      const list = INDEX.test(path[position + 1] ?? '')
        ? defaultList(path.slice(0, position + 1))
        : undefined;
      const made = (list === undefined ? {} : structuredClone(list)) as PlainObject;
      define(holder, segment, made);
      holder = made;
    }
  }
}

const INDEX = /^\d{1,4}$/;

/** Plain assignment would let `__proto__` change the object's prototype instead of being refused as an unknown key. */
export function define(holder: PlainObject, name: string, value: unknown): void {
  Object.defineProperty(holder, name, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}
