/** How far the download of a model is: `unet/model.safetensors · 812 of 3438 MB · 21.4 MB/s · 2 min 3 s left`. */
import type { HubProgress } from '@loop-diffusion/hub';

import { createLiveLine } from './live-line';
import type { OutputStream } from './output';
import { durationInWords, figure } from './words';

export interface DownloadProgress {
  /** Takes the files one after the other. */
  report(progress: HubProgress): void;
  close(): void;
}

/** Files of which a line is left where nobody looks on. */
const LARGE_BYTES = 10_000_000;

/** A live line on a terminal; elsewhere a line for each large file. */
export function createDownloadProgress(
  stream: OutputStream,
  { name, quiet, now = Date.now }: { name: string; quiet: boolean; now?: () => number },
): DownloadProgress {
  const live = createLiveLine(quiet ? { write: () => undefined } : stream);
  const startedAt = now();
  let current: string | undefined;
  /** Of finished files. */
  let before = 0;
  /** What an earlier download had left says nothing about speed. */
  let found = 0;

  return {
    report({ path, bytes, fileBytes, totalBytes, isDone }) {
      if (isDone) {
        current = undefined;
        before += fileBytes;
        if (!quiet && stream.isTTY !== true && fileBytes >= LARGE_BYTES) {
          stream.write(`Fetched ${path} of ${name} (${megabytes(fileBytes)})\n`);
        }
        return;
      }
      if (path !== current) {
        current = path;
        found += bytes;
      }
      const done = before + bytes;
      const rate = Math.max(0, done - found) / Math.max(0.001, (now() - startedAt) / 1000);
      const left =
        rate > 0 && totalBytes !== undefined && totalBytes > done
          ? (totalBytes - done) / rate
          : undefined;
      live.show(
        [
          path,
          totalBytes === undefined
            ? megabytes(done)
            : `${(done / 1e6).toFixed(0)} of ${megabytes(totalBytes)}`,
          `${figure(rate / 1e6)} MB/s`,
          ...(left === undefined ? [] : [`${durationInWords(left)} left`]),
        ].join(' · '),
      );
    },
    close() {
      live.clear();
    },
  };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
