/** Milliseconds before a reward that failed is asked again, time by time. */
export const PAUSES: readonly number[] = [1_000, 5_000, 20_000];
