/** A YAML file with keys of its own around those of a run's configuration: a study, a search. */
import type { z } from 'zod';

import { namesAt } from '../configuration/key-reference';
import { readConfigFile } from '../configuration/read-config-file';
import { UserError } from '../user-error';

export interface KeyedFile<Settings> {
  readonly what: 'study' | 'search';
  readonly schema: z.ZodType<Settings>;
  /** What each key must be, in words. */
  readonly shapes: Readonly<Record<keyof Settings & string, string>>;
}

/** @throws UserError that says what is wrong with the file */
export async function readKeyedFile<Settings>(
  path: string,
  { what, schema, shapes }: KeyedFile<Settings>,
): Promise<Settings> {
  const file = await readConfigFile(path, {
    what: `${what} file`,
    isSection: ([first = '', ...rest]) =>
      rest.length === 0 ? first in shapes : first === 'base' && namesAt(rest).length > 0,
  });
  const parsed = schema.safeParse(file ?? {});
  if (parsed.success) return parsed.data;
  const names = Object.keys(shapes).join(', ');
  const problems = parsed.error.issues.map((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return `unknown key '${issue.keys.join("', '")}' (the keys are ${names})`;
    }
    const [key] = issue.path;
    return key === undefined
      ? `it must hold the keys ${names}`
      : `${issue.path.map(String).join('.')} must be ${shapes[key as keyof Settings & string]}`;
  });
  throw new UserError(`The ${what} '${path}': ${[...new Set(problems)].join('; ')}`);
}
