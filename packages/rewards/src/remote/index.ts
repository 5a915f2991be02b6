export { cachedReward, type CacheOptions } from './cached-reward';
export type { RemoteFailureKind } from './remote-failure';
export { remoteReward, type RemoteRewardEvent, type RemoteRewardOptions } from './remote-reward';
