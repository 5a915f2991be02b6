export type { ServeLimits } from './limits';
export { serveRewards, type RewardServer, type ServeRewardsOptions } from './serve-rewards';
