export { untilAborted } from './abort';
export type { HttpAnswer } from './answer';
export { fullJitter, type Backoff } from './backoff';
export type { CircuitOptions, CircuitPhase } from './circuit';
export {
  createHttpClient,
  type HttpClient,
  type HttpClientOptions,
  type HttpEvent,
  type HttpRequest,
} from './client';
export { Deadline } from './deadline';
export { Gate } from './gate';
export {
  HttpError,
  isPassingStatus,
  isServerFault,
  type HttpErrorDetails,
  type HttpErrorKind,
  type RefusedAnswer,
} from './http-error';
export type { Fetch, ProxyUse } from './proxy';
export { retryAfterMs } from './retry-after';
