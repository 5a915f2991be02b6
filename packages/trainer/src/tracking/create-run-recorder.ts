/** A run's reports into its folder and to the user. */
import { configWarnings } from '../configuration/config-warnings';
import type { TrainConfig } from '../configuration/schema';
import { modelCardFile, writeModelCard, type DrawnSamples } from '../model-card/write-model-card';
import { configFileText } from '../run-folder/config-file';
import { describeEnvironment } from '../run-folder/environment';
import type { EvaluationRecord, IterationRecord, RunSummary } from '../run-folder/records';
import type { RunFolder } from '../run-folder/run-folder';
import { withoutDistributions, type RunHistory } from '../run-folder/run-history';
import { processOutput, type Output, type OutputStream } from '../terminal/output';
import { renderBestImages } from './best-images';
import { createClipWatch } from './clip-watch';
import { createCollapseWatch } from './collapse-watch';
import { createConsoleReport, type ConsoleReport } from './console-report';
import { renderCurves } from './curves';
import { createFirstGrid } from './first-grid';
import { openSinks } from './open-sinks';
import type { DrawnImages, RunRecorder } from './recorder';
import { renderSampleGrid } from './sample-grid';

export interface RecorderOptions {
  /** Events as JSON lines on the output instead of text. */
  json: boolean;
  /** Only warnings and the summary. */
  quiet: boolean;
  output?: Output | undefined;
  /** What the run had recorded when it goes on after so many iterations. */
  resumed?: { readonly iterations: number; readonly history: RunHistory } | undefined;
  /** Milliseconds since any fixed time. */
  now?: (() => number) | undefined;
}

/** Drawing takes about a second of a run's processor time. */
const MILLISECONDS_BETWEEN_CURVES = 60_000;

/** Writes `config.yaml` at once, and everything else as it is reported. */
export function createRunRecorder(
  folder: RunFolder,
  config: TrainConfig,
  options: RecorderOptions,
): RunRecorder {
  const output = options.output ?? processOutput();
  const now = options.now ?? Date.now;
  const report = options.json
    ? createJsonReport(output)
    : createConsoleReport(config, output, {
        quiet: options.quiet,
        iterationsDone: options.resumed?.iterations,
      });
  const watchClip = createClipWatch(config);
  const watchCollapse = createCollapseWatch(config);
  const { resumed } = options;
  const sinks = openSinks(folder, config, {
    resumedFrom: resumed?.iterations,
    warn: (text) => report.warn(text),
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
  for (const warning of configWarnings(config)) report.warn(warning);
  if (resumed !== undefined) {
    emit('resume', { iteration: resumed.iterations, environment: describeEnvironment() });
  }

  function emit(event: string, content: object): void {
    if (folder.events.count === 0 && event !== 'start')
      emit('start', { config, environment: describeEnvironment() });
    const line = { event, time: new Date().toISOString(), ...content };
    folder.events.append(line);
    if (options.json) writeJsonLine(output.out, line);
  }

  /** Iterations that are done. */
  function iterationsDone(): number {
    return history.iterations.at(-1)?.iteration ?? resumed?.iterations ?? 0;
  }

  async function drawCurves(): Promise<void> {
    curvesDrawnAt = now();
    await warnOfFailure('curves.png', async () => {
      folder.write('curves.png', await renderCurves(history));
    });
  }

  /** @param images file that shows what the warning is about */
  function warn({ iteration }: IterationRecord, text: string, images?: string): void {
    report.warn(images === undefined ? text : `${text}: ${folder.path}/${images}`);
    emit('warning', { iteration, text, images });
  }

  /** The images that the policy is pushed towards. */
  async function keepAlertImages(
    record: IterationRecord,
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
      report.warn(
        `${file} was not written: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  return {
    async iteration(record, drawn) {
      emit('iteration', record);
      history.iterations.push(withoutDistributions(record));
      for (const sink of sinks) sink.iteration(record);
      report.iteration(record);
      const clipWarning = watchClip(record);
      if (clipWarning !== undefined) warn(record, clipWarning);
      const alerts = watchCollapse(record);
      const file = alerts.length > 0 && drawn ? await keepAlertImages(record, drawn) : undefined;
      for (const alert of alerts) warn(record, alert, file);
      if (drawing === undefined && now() - curvesDrawnAt > MILLISECONDS_BETWEEN_CURVES) {
        drawing = drawCurves().finally(() => {
          drawing = undefined;
        });
      }
    },
    async evaluation(record) {
      emit('evaluation', record);
      history.evaluations.push({ iteration: iterationsDone(), record });
      for (const sink of sinks) sink.evaluation(record, iterationsDone());
      report.evaluation(record);
      await drawing;
    },
    async sampleGrid(name, images, prompts) {
      if (images.length === 0) return;
      const first = await firstGrid(name, images);
      const isFirst = first.images === images;
      const rows = prompts.map((prompt, index) => ({
        prompt,
        images: (isFirst ? [images[index]] : [first.images[index], images[index]]).filter(
          (image) => image !== undefined,
        ),
      }));
      const file = `samples/${name}.png`;
      const png = await renderSampleGrid(rows, {
        title: isFirst ? name : `${first.name} | ${name}: the same prompts, the same noise`,
        labels: isFirst ? [name] : [first.name, name],
      });
      folder.write(file, png);
      emit('samples', { name, file });
      // Those before are the base model's.
      if (name !== 'before') samples = { file, images, prompts };
      for (const sink of sinks) sink.sampleGrid(name, png, iterationsDone());
      report.note(`samples: ${folder.path}/${file}`);
    },
    phase(name, fraction) {
      report.phase(name, fraction);
    },
    async finish(summary) {
      await drawing;
      const file = withoutRewards(summary);
      folder.write('summary.json', `${JSON.stringify(file, null, 2)}\n`);
      emit('finish', { summary: file });
      const delivered = Promise.all(sinks.map((sink) => sink.finish(summary)));
      if (history.iterations.length + history.evaluations.length > 0) await drawCurves();
      await delivered;
      await warnOfFailure(modelCardFile(config), () =>
        writeModelCard(folder, { config, summary, samples }),
      );
      report.finish(summary, folder.path);
    },
    close() {
      report.close();
      for (const sink of sinks) sink.close();
      folder.close();
    },
  };
}

function writeJsonLine(stream: OutputStream, line: object): void {
  stream.write(`${JSON.stringify(line)}\n`);
}

/** Events are written by the recorder itself; what is left is for the user's eyes. */
function createJsonReport(output: Output): ConsoleReport {
  const nothing = () => undefined;
  return {
    phase: nothing,
    iteration: nothing,
    evaluation: nothing,
    note: nothing,
    finish: nothing,
    close: nothing,
    warn(text) {
      output.error.write(`Warning: ${text}\n`);
    },
  };
}

/** The rewards of single images are in `events.jsonl`; a summary is for reading. */
function withoutRewards(summary: RunSummary): object {
  const { before, after, base, gain } = summary.evaluation;
  return {
    ...summary,
    evaluation: {
      before: scores(before),
      after: scores(after),
      gain,
      base: base?.map(scores),
    },
  };
}

function scores(record: EvaluationRecord | undefined): object | undefined {
  if (record === undefined) return undefined;
  const rest: Partial<EvaluationRecord> = { ...record };
  delete rest.rewards;
  return rest;
}
