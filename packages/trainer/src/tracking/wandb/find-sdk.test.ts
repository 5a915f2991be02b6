import { UserError } from '../../user-error';
import { findWandbSdk } from './find-sdk';

test('a package that is not installed is told with the command that installs it', () => {
  const find = () =>
    findWandbSdk(() => {
      throw new Error("Cannot find module '@wandb/sdk'");
    });
  expect(find).toThrow(UserError);
  expect(find).toThrow('run "npm install @wandb/sdk graphql", or leave tracking.wandb out');
  expect(findWandbSdk((name) => `/packages/${name}`)).toBe('/packages/@wandb/sdk');
});
