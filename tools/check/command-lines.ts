/** What the packages' commands do with their arguments. No package exports that: it is their bins' alone. */
/* eslint-disable @nx/enforce-module-boundaries -- see above */
export { parseInstallArguments } from '../../packages/native-tensorflow/src/install-command';
export { runRewardsCommandLine } from '../../packages/rewards/src/command-line/run-rewards-command-line';
export { runCommandLine } from '../../packages/trainer/src/command-line/run-command-line';
