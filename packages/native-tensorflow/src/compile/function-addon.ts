import { join } from 'node:path';
import { addonFile, functionsAddonFile } from '../addon-files';
import { requireHere } from '../package-files';
import { sharedState } from '../shared-state';
import type { NativeFunction, NativeGraph } from './native-handles';
import type { Attribute, Reference } from './operation';

/** The part of TensorFlow's C API that builds graphs and turns them into functions (native/functions.cc). */
export interface FunctionAddon {
  newGraph(): NativeGraph;
  /** @returns the outputs as TensorFlow infers them; a size is −1, or the shape null, where it depends on values */
  addOperation(
    graph: NativeGraph,
    name: string,
    attributes: readonly Attribute[],
    inputs: readonly (Reference | readonly Reference[])[],
    /** Operations that must be done before this one begins. */
    after: readonly number[],
  ): { dtype: number; shape: number[] | null }[];
  defineFunction(
    addon: string,
    graph: NativeGraph,
    name: string,
    inputs: readonly Reference[],
    outputs: readonly Reference[],
    attributes: readonly (readonly [string, Uint8Array])[],
  ): NativeFunction;
  importFunction(graph: NativeGraph, definition: NativeFunction): void;
  removeFunction(addon: string, name: string): void;
  /** Frees what the handle stands for; using it after that is an error. */
  release(handle: NativeGraph | NativeFunction): void;
  /** How many graphs and functions this addon has made that are not freed yet. */
  countObjects(): { readonly graphs: number; readonly functions: number };
}

/** The addon and the path of tfjs-node's, whose context functions are registered with; null where there is none. */
export function functionAddon(): { addon: FunctionAddon; binding: string } | null {
  const { loaded } = sharedState();
  if (loaded === undefined) return null;
  return {
    addon: requireHere(join(loaded.folder, functionsAddonFile)) as FunctionAddon,
    binding: join(loaded.folder, addonFile),
  };
}
