/** Serving rewards over HTTP. What it needs is loaded only when it is called. */
import type { RewardServer, ServeRewardsOptions } from './serve-rewards-options';

export type { RewardServer, ServeRewardsOptions } from './serve-rewards-options';

/**
 * Serves rewards over HTTP until it is closed: `POST /v1/score` where there is one reward, `POST /v1/rewards/{name}/score`,
 * `GET /health`, `/info`, `/metrics` and `/openapi.json`. TLS is for a proxy in front of it.
 *
 * @throws {RangeError} when a limit, a name or the probe cannot be used
 * @throws {Error} when the address cannot be listened on, or is one that needs a (longer) token
 */
export async function serveRewards(options: ServeRewardsOptions): Promise<RewardServer> {
  const { startServer } = await import('./start-server');
  return startServer(options);
}
