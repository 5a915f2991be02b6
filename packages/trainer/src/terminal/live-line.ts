/** One line of a terminal that is drawn over and over: what goes on right now. */
import type { OutputStream } from './output';

export interface LiveLine {
  /** Replaces the line; calls that follow each other too fast are passed over. */
  show(text: string): void;
  /** Removes it, so that whole lines can be written. */
  clear(): void;
}

const MILLISECONDS_BETWEEN_DRAWS = 100;

/** On anything but a terminal it does nothing. */
export function createLiveLine(stream: OutputStream, now: () => number = Date.now): LiveLine {
  if (stream.isTTY !== true) return { show: () => undefined, clear: () => undefined };
  let shown = '';
  let lastDraw = -Infinity;
  return {
    show(text) {
      if (now() - lastDraw < MILLISECONDS_BETWEEN_DRAWS) return;
      // A line that wraps could not be drawn over.
      const fitting = text.slice(0, Math.max(10, (stream.columns ?? 80) - 1));
      if (fitting === shown) return;
      stream.write(`\r\u001b[2K${fitting}`);
      shown = fitting;
      lastDraw = now();
    },
    clear() {
      if (shown !== '') stream.write('\r\u001b[2K');
      shown = '';
      lastDraw = -Infinity;
    },
  };
}
