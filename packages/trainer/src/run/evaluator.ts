/** The evaluations and sample grids of a run: before, on the way, after, and before and after at the best guidance of each. */
import type { Image } from '@loop-diffusion/rewards';

import { isDue, iterationsAtOnce } from '../configuration/federated-rounds';
import { guidancesToTry, imagesOfChoice } from '../configuration/guidance-choice';
import { drawImages, type SamplerSettings } from '../policy/draw-images';
import type { Policy } from '../policy/policy';
import { promptsAt } from '../prompts/prompt-order';
import type { EvaluationRecord } from '../run-folder/records';
import type { WeightedReward } from '../scoring/rewards';
import type { RunRecorder } from '../tracking/recorder';
import { evaluatePolicy } from './evaluate-policy';
import type { Client } from './federated/clients';
import { imagesOfAPrompt, planEvaluation, type EvaluationPlan } from './evaluation-plan';
import type { Guards } from './guards';
import type { PhaseClock } from './phase-clock';
import type { Run } from './run';

/** Fixed, so that every run of every configuration is evaluated on the same noise. */
export const EVALUATION_SEED = 0;
/** The best guidance is found on other noise and other prompts than the figures that are told of it. */
const CHOICE_SEED = 1;

export interface RunEvaluator {
  readonly records: {
    before?: EvaluationRecord;
    after?: EvaluationRecord;
    readonly best: { before?: EvaluationRecord; after?: EvaluationRecord };
  };
  before(): Promise<void>;
  /** @param iterations that are done; 0 for none, after which there is nothing new to evaluate */
  afterIteration(iterations: number): Promise<void>;
  after(): Promise<void>;
  /** Of a client by its own policy, after the run's. */
  ofClient(client: Client, policy: Policy): Promise<void>;
}

/** What goes with a run while it is under way. */
export interface EvaluatorParts {
  readonly recorder: RunRecorder;
  readonly clock: PhaseClock;
  readonly signal: AbortSignal;
  readonly guards: Guards;
  /** What was evaluated before the run went on, and is not evaluated again. */
  readonly earlier?: readonly EvaluationRecord[] | undefined;
}

/** What an evaluation draws. */
interface Measured {
  readonly plan: EvaluationPlan;
  readonly seed: number;
  /** Whether some of its prompts are. */
  readonly trainedOn: boolean;
  /** The run's, unless a client has some of its own. */
  readonly rewards?: readonly WeightedReward[];
}

export function createRunEvaluator(
  run: Run,
  { recorder, clock, signal, guards, earlier = [] }: EvaluatorParts,
): RunEvaluator {
  const { config, heldOut, rewards } = run;
  const settings: SamplerSettings = {
    steps: config.evaluate.steps ?? config.sampler.steps,
    eta: config.evaluate.eta ?? config.sampler.eta,
    guidance: config.evaluate.guidance ?? config.sampler.guidance,
  };
  const common = { batch: config.batch.rollout, signal };
  const done = new Map(earlier.map((record) => [record.name, record]));
  const records: RunEvaluator['records'] = { best: {} };
  const onHeldOut: Measured = {
    plan: planEvaluation(heldOut, config.evaluate.images, rewards),
    seed: EVALUATION_SEED,
    trainedOn: !run.areHeldOut,
  };
  const guidances = guidancesToTry(config);
  const atOnce = iterationsAtOnce(config);

  async function evaluate(
    name: string,
    policy: Policy,
    { plan, seed, trainedOn, rewards: judges = rewards } = onHeldOut,
    guidance = settings.guidance,
  ): Promise<{ record: EvaluationRecord; images: Image[] }> {
    const evaluation = await clock.time(`evaluation ${name}`, (onProgress) =>
      evaluatePolicy(policy, {
        ...{ ...common, name, rewards: judges, plan, seed, workers: run.workers },
        ...{ settings: { ...settings, guidance }, onProgress },
      }),
    );
    guards.checkScores(evaluation.scores);
    const record = trainedOn ? { ...evaluation.record, trainedOn } : evaluation.record;
    await recorder.evaluation(record);
    return { ...evaluation, record };
  }

  /** On training prompts: those that are held out are few, and measure the result. */
  async function bestGuidance(when: 'before' | 'after', policy: Policy): Promise<number> {
    if (guidances.length === 1) return settings.guidance;
    const count = imagesOfChoice(config);
    const prompts = promptsAt(run.prompts, CHOICE_SEED, 0, count);
    const ofChoice: Measured = {
      plan: planEvaluation(prompts, count, rewards),
      seed: CHOICE_SEED,
      trainedOn: true,
    };
    const choice = { guidance: settings.guidance, mean: -Infinity };
    for (const guidance of guidances) {
      const name = `choice-${when}-guidance-${String(guidance)}`;
      const { mean } = done.get(name) ?? (await evaluate(name, policy, ofChoice, guidance)).record;
      if (mean > choice.mean) Object.assign(choice, { guidance, mean });
    }
    return choice.guidance;
  }

  /** @param own the evaluation at the run's guidance, which is not made twice */
  async function evaluateBest(
    when: 'before' | 'after',
    policy: Policy,
    own: EvaluationRecord,
  ): Promise<void> {
    if (guidances.length === 0) return;
    const guidance = await bestGuidance(when, policy);
    const name = `best-${when}`;
    const isOwn = guidance === settings.guidance;
    records.best[when] = isOwn
      ? own
      : (done.get(name) ?? (await evaluate(name, policy, onHeldOut, guidance)).record);
  }

  /** Of the evaluation's first prompts; an evaluation has drawn some of them already. */
  async function sampleGrid(name: string, policy: Policy, drawn: Image[] = []): Promise<void> {
    const { count } = config.samples;
    if (count === 0 || run.workers.rank > 0) return;
    const prompts = heldOut.slice(0, count).map(({ text }) => text);
    const images =
      drawn.length >= count
        ? drawn.slice(0, count)
        : await clock.time('samples', (onProgress) =>
            drawImages(policy, { ...common, seed: EVALUATION_SEED, prompts, settings, onProgress }),
          );
    const { shown } = await run.screen.show(images);
    await recorder.sampleGrid(name, { images: shown, prompts });
  }

  /** An evaluation, where there are any, and the grid from its first images. */
  async function evaluateAndShow(
    name: string,
    policy: Policy,
  ): Promise<EvaluationRecord | undefined> {
    const evaluation = config.evaluate.images > 0 ? await evaluate(name, policy) : undefined;
    // The grid has one image of each prompt.
    const drawn = imagesOfAPrompt(rewards) === 1 ? evaluation?.images : undefined;
    await sampleGrid(name, policy, drawn);
    return evaluation?.record;
  }

  return {
    records,
    async before() {
      // A new adapter changes nothing yet; one that the run started from does.
      const start = (config.lora?.from ?? null) === null ? run.base : run.result();
      const record = done.get('before') ?? (await evaluateAndShow('before', start));
      if (record === undefined) return;
      records.before = record;
      await evaluateBest('before', start, record);
    },
    async afterIteration(iterations) {
      if (iterations === 0 || iterations === config.iterations) return;
      const name = `iteration-${iterations}`;
      const evaluationIsDue = isDue(config.evaluate.every, iterations, atOnce);
      const gridIsDue = isDue(config.samples.every, iterations, atOnce);
      if (done.has(name)) return;
      if (evaluationIsDue) await evaluateAndShow(name, run.result());
      else if (gridIsDue) await sampleGrid(name, run.result());
    },
    async after() {
      const record = done.get('after') ?? (await evaluateAndShow('after', run.result()));
      if (record === undefined) return;
      records.after = record;
      await evaluateBest('after', run.result(), record);
    },
    async ofClient(client, policy) {
      const name = `client-${client.name}`;
      if (config.evaluate.images === 0 || done.has(name)) return;
      const { heldOut: own, rewards: judges, prompts } = client;
      const trained = new Set(prompts.map(({ text }) => text));
      await evaluate(name, policy, {
        plan: planEvaluation(own, own.length, judges),
        seed: EVALUATION_SEED,
        trainedOn: own.some(({ text }) => trained.has(text)),
        rewards: judges,
      });
    },
  };
}
