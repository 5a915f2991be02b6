export { hubCacheOf, type CachedSnapshot } from './cache';
export { diffusersFiles } from './diffusers-files';
export { HubError, HubUnreachable } from './hub-error';
export {
  checkHubReference,
  isHubName,
  parseHubName,
  type HubName,
  type HubReference,
  type HubType,
} from './hub-name';
export type { HubFile } from './listing';
export type { HubOptions, HubProgress } from './options';
export type { FileChoice, RepositoryFiles } from './repository-files';
export { openHubRepository, type HubRepository } from './repository';
export { hubSettings, type HubSettings } from './settings';
export { hubSnapshot, type HubSnapshot, type SnapshotOptions } from './snapshot';
