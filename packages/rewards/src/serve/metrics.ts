/** What a server counts, for Prometheus. */
import { isNotApplicable, type RewardResult } from '../reward';
import type { ServedReward } from './served-reward';

export interface ServerMetrics {
  /** @param route the path as documented, so that strange paths make no new series */
  countRequest(route: string, status: number): void;
  countResults(reward: string, results: readonly RewardResult[], seconds: number): void;
  /** In the text format of Prometheus. */
  text(): Promise<string>;
  readonly contentType: string;
}

/** Rewards make up kinds of failures; what comes after so many is counted as `other`. */
const MOST_KINDS = 64;

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

export async function createMetrics(rewards: readonly ServedReward[]): Promise<ServerMetrics> {
  const { Counter, Gauge, Histogram, Registry } = await import('prom-client');
  const registry = new Registry();
  const requests = new Counter({
    name: 'loop_rewards_requests_total',
    help: 'Requests by path and status.',
    labelNames: ['path', 'status'],
    registers: [registry],
  });
  const images = new Counter({
    name: 'loop_rewards_images_total',
    help: 'Images that were scored or not, for whatever reason.',
    labelNames: ['reward'],
    registers: [registry],
  });
  const failures = new Counter({
    name: 'loop_rewards_failures_total',
    help: 'Images that failed, by kind.',
    labelNames: ['reward', 'kind'],
    registers: [registry],
  });
  const notApplicable = new Counter({
    name: 'loop_rewards_not_applicable_total',
    help: 'Images to which the reward does not apply.',
    labelNames: ['reward'],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: 'loop_rewards_score_seconds',
    help: 'Time from the headers of a request to its answer.',
    labelNames: ['reward'],
    buckets: SECONDS,
    registers: [registry],
  });
  const gauge = (name: string, help: string, read: (reward: ServedReward) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['reward'],
      registers: [registry],
      collect() {
        for (const reward of rewards) this.set({ reward: reward.info.name }, read(reward));
      },
    });
  gauge('loop_rewards_queue_length', 'Requests that wait.', ({ queueLength }) => queueLength);
  gauge('loop_rewards_under_way', 'Requests that are worked on.', ({ underWay }) => underWay);

  const kinds = new Set<string>();
  const boundedKind = (kind: string) => {
    if (kinds.size < MOST_KINDS) kinds.add(kind);
    return kinds.has(kind) ? kind : 'other';
  };
  return {
    contentType: registry.contentType,
    countRequest: (path, status) => requests.inc({ path, status }),
    countResults(reward, results, took) {
      images.inc({ reward }, results.length);
      seconds.observe({ reward }, took);
      for (const result of results) {
        if (isNotApplicable(result)) notApplicable.inc({ reward });
        else if (!result.ok) failures.inc({ reward, kind: boundedKind(result.kind) });
      }
    },
    text: () => registry.metrics(),
  };
}
