/** A run's reports into its folder: events, summary, curves, sample grids, the model card, and what `tracking` asks for. */
import type { TrainConfig } from '../configuration/schema';
import { cutOffText } from '../prompts/cut-off-prompts';
import { modelCardFile, writeModelCard, type DrawnSamples } from '../model-card/write-model-card';
import { configFileText } from '../run-folder/config-file';
import { describeEnvironment } from '../run-folder/environment';
import type { RunEvent } from '../run-folder/event-log';
import type { EvaluationRecord, IterationRecord, RunSummary } from '../run-folder/records';
import type { RunFolder } from '../run-folder/run-folder';
import { withoutDistributions, type RunHistory } from '../run-folder/run-history';
import { renderBestImages } from './best-images';
import { renderCurves } from './curves';
import { createFirstGrid } from './first-grid';
import { openSinks } from './open-sinks';
import { renderSampleGrid } from './sample-grid';
import type { DrawnImages, RunSink } from './sink';

export interface FolderSinkOptions {
  /** Told of each event as it is written. */
  readonly onEvent?: ((event: RunEvent) => void) | undefined;
  /** Lines about files. */
  readonly note: (text: string) => void;
  readonly warn: (text: string) => void;
  /** What the run had recorded when it goes on after so many iterations. */
  readonly resumed?: { readonly iterations: number; readonly history: RunHistory } | undefined;
  /** Milliseconds since any fixed time. */
  readonly now?: (() => number) | undefined;
}

export interface FolderSink extends RunSink {
  /** Records a warning with, where they are given, the images that it is about, and tells it. */
  warning(
    about: Pick<IterationRecord, 'iteration' | 'rewards'>,
    texts: readonly string[],
    drawn?: () => Promise<DrawnImages>,
  ): Promise<void>;
}

/** Drawing takes about a second of a run's processor time. */
const MILLISECONDS_BETWEEN_CURVES = 60_000;

/** Writes `config.yaml` at once, and everything else as it is reported. */
export function createFolderSink(
  folder: RunFolder,
  config: TrainConfig,
  options: FolderSinkOptions,
): FolderSink {
  const { resumed, now = Date.now, note, warn } = options;
  const trackers = openSinks(folder, config, {
    resumedFrom: resumed?.iterations,
    history: resumed?.history,
    warn,
  });
  const history = {
    iterations: (resumed?.history.iterations ?? []).map(withoutDistributions),
    evaluations: [...(resumed?.history.evaluations ?? [])],
  };
  const firstGrid = createFirstGrid(folder);
  let samples: DrawnSamples | undefined;
  let curvesDrawnAt = now();
  let drawing: Promise<void> | undefined;

  folder.write('config.yaml', configFileText(config));
  if (resumed !== undefined) {
    emit('resume', { iteration: resumed.iterations, environment: describeEnvironment() });
  }

  function emit(event: string, content: object): void {
    if (folder.events.count === 0 && event !== 'start')
      emit('start', { config, environment: describeEnvironment() });
    const line = { event, time: new Date().toISOString(), ...content };
    folder.events.append(line);
    options.onEvent?.(line);
  }

  async function drawCurves(): Promise<void> {
    curvesDrawnAt = now();
    await warnOfFailure('curves.png', async () => {
      folder.write('curves.png', await renderCurves(history));
    });
  }

  /** The images that the policy is pushed towards. */
  async function keepAlertImages(
    record: Pick<IterationRecord, 'iteration' | 'rewards'>,
    drawn: () => Promise<DrawnImages>,
  ): Promise<string | undefined> {
    const file = `alerts/iteration-${String(record.iteration)}.png`;
    let written: string | undefined;
    await warnOfFailure(file, async () => {
      folder.write(file, await renderBestImages(record, await drawn()));
      written = file;
    });
    return written;
  }

  /** A run is worth more than its pictures; the figures are in events.jsonl. */
  async function warnOfFailure(file: string, write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      warn(`${file} was not written: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  return {
    iteration(record) {
      emit('iteration', record);
      history.iterations.push(withoutDistributions(record));
      for (const tracker of trackers) tracker.iteration(record);
      if (drawing === undefined && now() - curvesDrawnAt > MILLISECONDS_BETWEEN_CURVES) {
        drawing = drawCurves().finally(() => {
          drawing = undefined;
        });
      }
    },
    async warning(about, texts, drawn) {
      const images = drawn && (await keepAlertImages(about, drawn));
      for (const text of texts) {
        warn(images === undefined ? text : `${text}: ${folder.path}/${images}`);
        emit('warning', { iteration: about.iteration, text, images });
      }
    },
    promptsCutOff(found) {
      const text = `${cutOffText(found)} Rewards see the whole.`;
      warn(text);
      emit('warning', { iteration: resumed?.iterations ?? 0, text });
    },
    async evaluation(record, iteration) {
      emit('evaluation', record);
      history.evaluations.push({ iteration, record });
      for (const tracker of trackers) tracker.evaluation(record, iteration);
      await drawing;
    },
    async sampleGrid(name, { images, prompts }, iteration) {
      if (images.length === 0) return;
      const file = `samples/${name}.png`;
      let png: Uint8Array | undefined;
      await warnOfFailure(file, async () => {
        const first = await firstGrid(name, images);
        const isFirst = first.images === images;
        const rows = prompts.map((prompt, index) => ({
          prompt,
          images: (isFirst ? [images[index]] : [first.images[index], images[index]]).filter(
            (image) => image !== undefined,
          ),
        }));
        png = await renderSampleGrid(rows, {
          title: isFirst ? name : `${first.name} | ${name}: the same prompts, the same noise`,
          labels: isFirst ? [name] : [first.name, name],
        });
        folder.write(file, png);
      });
      if (png === undefined) return;
      emit('samples', { name, file });
      // Those before are the base model's.
      if (name !== 'before') samples = { file, images, prompts };
      for (const tracker of trackers) tracker.sampleGrid(name, png, iteration);
      note(`samples: ${folder.path}/${file}`);
    },
    async finish(summary) {
      await drawing;
      const file = withoutRewards(summary);
      folder.write('summary.json', `${JSON.stringify(file, null, 2)}\n`);
      emit('finish', { summary: file });
      const delivered = Promise.all(trackers.map((tracker) => tracker.finish(summary)));
      if (history.iterations.length + history.evaluations.length > 0) await drawCurves();
      await delivered;
      await warnOfFailure(modelCardFile(config), () =>
        writeModelCard(folder, { config, summary, samples }),
      );
    },
    close() {
      for (const tracker of trackers) tracker.close();
      folder.close();
    },
  };
}

/** What there is of single images is in `events.jsonl`; a summary is for reading. */
function withoutRewards(summary: RunSummary): object {
  const { before, after, best, gain } = summary.evaluation;
  return {
    ...summary,
    evaluation: {
      before: scores(before),
      after: scores(after),
      gain,
      best: best && { before: scores(best.before), after: scores(best.after), gain: best.gain },
    },
  };
}

function scores(record: EvaluationRecord | undefined): object | undefined {
  if (record === undefined) return undefined;
  const rest: Partial<EvaluationRecord> = { ...record };
  delete rest.rewards;
  delete rest.imageFamilies;
  return rest;
}
