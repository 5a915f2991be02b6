/** Handles of native objects, freed by `release`, and with their JavaScript values where somebody forgot. */
export interface NativeGraph {
  readonly graph: unique symbol;
}
export interface NativeFunction {
  readonly function: unique symbol;
}
