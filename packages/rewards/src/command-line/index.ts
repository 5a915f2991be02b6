export { runRewardsCommandLine, type RewardsCommandContext } from './run-rewards-command-line';
