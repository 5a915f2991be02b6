/** Figures as a person reads them. */

/** @param seconds 0 or more @returns such as `8 s`, `3 min 20 s`, `2 h 5 min` */
export function durationInWords(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${String(whole)} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 10) return `${String(minutes)} min ${String(whole % 60)} s`;
  if (minutes < 60) return `${String(Math.round(seconds / 60))} min`;
  const wholeMinutes = Math.round(seconds / 60);
  return `${String(Math.floor(wholeMinutes / 60))} h ${String(wholeMinutes % 60)} min`;
}

/** Three significant digits, with an exponent where that is shorter: `0.0215`, `12.3`, `4.1e-7`. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e5) return value.toExponential(1).replace('e+', 'e');
  return size >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** A fraction in [0, 1] as `12 %`. */
export function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(0)} %`;
}

/** `0.804 ± 0.014`; of a single value, which has no error, `0.804` */
export function withError(mean: number, error: number): string {
  if (!Number.isFinite(mean)) return 'none';
  return Number.isFinite(error) ? `${mean.toFixed(3)} ± ${error.toFixed(3)}` : mean.toFixed(3);
}

/** A gain, as `+0.152 ± 0.018`; of a single pair, which has no error, `+0.152` */
export function signedWithError(mean: number, error: number): string {
  if (!Number.isFinite(mean)) return 'none';
  return Number.isFinite(error) ? `${signed(mean)} ± ${error.toFixed(3)}` : signed(mean);
}

/** One of many means beside each other: `0.75`, and `–` where there is none. */
export function briefMean(mean: number | undefined): string {
  return mean !== undefined && Number.isFinite(mean) ? mean.toFixed(2) : '–';
}

/** `1 image`, `3 images` */
export function counted(count: number, noun: string): string {
  return `${String(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** With its sign: `+0.152`. */
export function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
