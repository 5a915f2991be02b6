/** Defaults of the models that several runs name, each looked up once. */
import type { DefaultsOf } from '../study/plan-run';
import { readModelDefaults } from '../weights/model-defaults';
import { resolveModel } from '../weights/resolve-model';
import type { CommandContext, CommonFlags } from './context';

export function modelDefaults(
  { output }: Pick<CommandContext, 'output'>,
  { quiet }: Pick<CommonFlags, 'quiet'>,
): DefaultsOf {
  const known = new Map<string, ReturnType<DefaultsOf>>();
  return (model) => {
    const found = known.get(model) ?? lookUp(model);
    known.set(model, found);
    return found;
  };

  async function lookUp(model: string): ReturnType<DefaultsOf> {
    const reader = await resolveModel(model, { output: output.error, quiet });
    return (await readModelDefaults(reader))?.settings;
  }
}
