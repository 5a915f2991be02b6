/**
 * Milliseconds that a Retry-After header asks for: whole seconds or an HTTP date (RFC 9110, 10.2.3).
 * @param now milliseconds since 1970
 * @returns undefined when there is none or it cannot be read, 0 when its time has passed
 */
export function retryAfterMs(header: string | null, now = Date.now()): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  // A date starts with the day's name; Date.parse alone reads far more than dates.
  if (!/^[A-Z][a-z]{2,8},? /.test(text)) return undefined;
  // The oldest of its three forms leaves out that it is in GMT.
  const date = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
