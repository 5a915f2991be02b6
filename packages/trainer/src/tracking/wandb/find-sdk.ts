import { createRequire } from 'node:module';

import { UserError } from '../../user-error';

const PACKAGE = '@wandb/sdk';

/**
 * The file of Weights & Biases' SDK, which is installed by those who use it.
 * @param resolve stands in for Node's in tests
 * @throws UserError that says what to install
 */
export function findWandbSdk(
  resolve: (name: string) => string = createRequire(import.meta.url).resolve,
): string {
  try {
    return resolve(PACKAGE);
  } catch (error) {
    throw new UserError(
      `tracking.wandb needs the package ${PACKAGE}, which is not installed: run "npm install ${PACKAGE} graphql", or leave tracking.wandb out`,
      { cause: error },
    );
  }
}
