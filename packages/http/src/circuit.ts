import {
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  handleWhen,
  isBrokenCircuitError,
} from 'cockatiel';

import { HttpError } from './http-error';

export interface CircuitOptions {
  /** After so many failures in a row the server is left alone; 5 when left out. */
  readonly failures?: number | undefined;
  /** Milliseconds for which it is left alone; 10,000 when left out. */
  readonly openMs?: number | undefined;
}

export type CircuitPhase = 'closed' | 'open' | 'half-open';

const PHASES: Readonly<Record<CircuitState, CircuitPhase>> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.HalfOpen]: 'half-open',
  [CircuitState.Isolated]: 'open',
};

/** Counts faults, and lets nothing through for a while after too many. */
export interface Circuit {
  /**
   * @param isFault whether an error says that the server is ill; any other says that it is well, but for those that say
   *   nothing (`aborted`, `deadline`)
   * @throws {HttpError} `circuit-open`; else what the task throws
   */
  run<T>(task: () => Promise<T>, isFault: (error: unknown) => boolean): Promise<T>;
}

export function createCircuit(
  { failures = 5, openMs = 10_000 }: CircuitOptions,
  onChange: (phase: CircuitPhase) => void,
): Circuit {
  const breaker = circuitBreaker(
    // What was called off says nothing, but must not close a circuit that is being tried.
    handleWhen((error) => error instanceof Fault || breaker.state === CircuitState.HalfOpen),
    { breaker: new ConsecutiveBreaker(failures), halfOpenAfter: openMs },
  );
  breaker.onStateChange((state) => onChange(PHASES[state]));
  return {
    async run(task, isFault) {
      try {
        const outcome = await breaker.execute(async () => {
          try {
            return { value: await task() };
          } catch (error) {
            if (isCalledOff(error)) throw error;
            if (isFault(error)) throw new Fault(error);
            return { error };
          }
        });
        if ('error' in outcome) throw outcome.error;
        return outcome.value;
      } catch (error) {
        if (error instanceof Fault) throw error.error;
        if (!isBrokenCircuitError(error)) throw error;
        const message = `The server failed ${failures} times in a row and is left alone for ${openMs} ms.`;
        throw new HttpError('circuit-open', message);
      }
    },
  };
}

/** Carries a fault through the breaker, which counts no other errors. */
class Fault extends Error {
  constructor(readonly error: unknown) {
    super();
  }
}

function isCalledOff(error: unknown): boolean {
  return error instanceof HttpError && (error.kind === 'aborted' || error.kind === 'deadline');
}
