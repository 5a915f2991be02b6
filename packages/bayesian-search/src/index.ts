export type { Parameter, Setting } from './axis';
export type { Observation, SearchState } from './observations';
export type { SearchOptions } from './options';
export type { CurvePoint } from './partial-dependence';
export { createSearch } from './search';
export type { Best, Search, Suggestion } from './search';
export type { Settings, Space } from './space';
