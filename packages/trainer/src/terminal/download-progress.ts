/** How far the download of a model is: `unet/model.safetensors · 812 of 3438 MB · 21.4 MB/s · 2 min 3 s left`. */
import { createLiveLine } from '../terminal/live-line';
import type { OutputStream } from '../terminal/output';
import { durationInWords, figure } from '../terminal/words';

export interface DownloadProgress {
  /** Bytes of all files, once they are known. */
  expect(bytes: number): void;
  /** @returns what is told how much of the file is there */
  start(path: string): (bytes: number) => void;
  finish(path: string, bytes: number): void;
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
  let total = 0;
  /** Of finished files. */
  let before = 0;
  /** What an earlier download had left says nothing about speed. */
  let found = 0;

  return {
    expect(bytes) {
      total = bytes;
    },
    start(path) {
      let first: number | undefined;
      return (bytes) => {
        if (first === undefined) {
          first = bytes;
          found += bytes;
        }
        const done = before + bytes;
        const rate = Math.max(0, done - found) / Math.max(0.001, (now() - startedAt) / 1000);
        const left = rate > 0 && total > done ? (total - done) / rate : undefined;
        live.show(
          [
            path,
            total === 0 ? megabytes(done) : `${(done / 1e6).toFixed(0)} of ${megabytes(total)}`,
            `${figure(rate / 1e6)} MB/s`,
            ...(left === undefined ? [] : [`${durationInWords(left)} left`]),
          ].join(' · '),
        );
      };
    },
    finish(path, bytes) {
      before += bytes;
      if (!quiet && stream.isTTY !== true && bytes >= LARGE_BYTES) {
        stream.write(`Fetched ${path} of ${name} (${megabytes(bytes)})\n`);
      }
    },
    close() {
      live.clear();
    },
  };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
