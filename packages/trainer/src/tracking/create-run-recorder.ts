/** The recorder of a run that has a folder and somebody who watches. */
import { configWarnings } from '../configuration/config-warnings';
import type { TrainConfig } from '../configuration/schema';
import type { RunFolder } from '../run-folder/run-folder';
import type { RunHistory } from '../run-folder/run-history';
import { processOutput, type Output } from '../terminal/output';
import { createConsoleReport, type Announcer } from './console-report';
import { createFolderSink } from './folder-sink';
import { createRecorder, type RunRecorder } from './recorder';
import type { RunSink } from './sink';
import { createTrainingPromptsNotice } from './training-prompts-notice';
import { createWatchSink } from './watch-sink';

export interface RecorderOptions {
  /** Events as JSON lines on the output instead of text. */
  json: boolean;
  /** Only warnings and the summary. */
  quiet: boolean;
  output?: Output | undefined;
  /** What the run had recorded when it goes on after so many iterations. */
  resumed?: { readonly iterations: number; readonly history: RunHistory } | undefined;
  /** Sinks of the caller's, told after the run's own. */
  sinks?: readonly RunSink[] | undefined;
  /** Milliseconds since any fixed time. */
  now?: (() => number) | undefined;
}

/** Writes `config.yaml` at once, and everything else as it is reported. */
export function createRunRecorder(
  folder: RunFolder,
  config: TrainConfig,
  options: RecorderOptions,
): RunRecorder {
  const { resumed, now, sinks = [] } = options;
  const output = options.output ?? processOutput();
  const report: Announcer & RunSink = options.json
    ? createJsonReport(output)
    : createConsoleReport(config, output, {
        quiet: options.quiet,
        iterationsDone: resumed?.iterations,
        folder: folder.path,
      });
  const folderSink = createFolderSink(folder, config, {
    onEvent: options.json ? (event) => output.out.write(`${JSON.stringify(event)}\n`) : undefined,
    note: (text) => report.note(text),
    warn: (text) => report.warn(text),
    resumed,
    now,
  });
  report.note(`Run: ${folder.path}, ${trainedText(config)}`);
  for (const warning of configWarnings(config)) report.warn(warning);
  const watches = createWatchSink(
    config,
    (...warning) => folderSink.warning(...warning),
    resumed?.history.iterations,
  );
  const notice = createTrainingPromptsNotice(config, (text) => report.warn(text));
  return createRecorder([folderSink, report, notice, watches, ...sinks], resumed?.iterations);
}

/** What is trained, in the middle of a sentence. */
function trainedText({ lora }: TrainConfig): string {
  return lora === null
    ? 'all weights of the UNet (lora: null)'
    : `a LoRA adapter of rank ${String(lora.rank)}`;
}

/** Events are written by the folder's sink; what is left is for the user's eyes. */
function createJsonReport(output: Output): Announcer & RunSink {
  return {
    note: () => undefined,
    warn(text) {
      output.error.write(`Warning: ${text}\n`);
    },
  };
}
