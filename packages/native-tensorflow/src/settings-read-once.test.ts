import { runScript } from './fixtures/run-script';
import { installNativeTensorflow } from './install';

beforeAll(async () => {
  await installNativeTensorflow();
});

interface Outcome {
  readonly notes: readonly (readonly string[])[];
  readonly lines: readonly string[];
  readonly errors: readonly string[];
}

/** Calls of `useBestBackend`, one after the other in one process. */
function call(...options: readonly object[]): Outcome {
  return runScript(`
    const [notes, lines, errors] = [[], [], []];
    console.error = (line) => lines.push(line);
    for (const options of ${JSON.stringify(options)}) {
      await native.useBestBackend({ backend: 'tensorflow', ...options }).then(
        (choice) => notes.push(choice.notes),
        (error) => errors.push(error.kind + ': ' + error.message),
      );
    }
    report({ notes, lines: lines.slice(1), errors });`);
}

it('threads that come too late are noted, and said once', () => {
  const { notes, lines, errors } = call(
    {},
    { threadsPerOperation: 1, quiet: true },
    { threadsPerOperation: 1 },
    { threadsPerOperation: 1 },
    { precision: 'float32' },
  );
  const sentence = expect.stringMatching(/^threadsPerOperation: 1 has no effect: .* all threads/);
  expect(notes).toEqual([[], [sentence], [sentence], [sentence], []]);
  // What serves is said before it, on a machine that has kernels for it.
  expect(lines.filter((line) => !line.startsWith('Kernels of this package'))).toEqual([sentence]);
  expect(errors).toEqual([]);
});

it('a precision that comes too late is an error; the same one again, or none, is not', () => {
  const { notes, errors } = call(
    { precision: 'bfloat16', threadsPerOperation: 1 },
    { precision: 'bfloat16', threadsPerOperation: 1 },
    {},
    { precision: 'float32' },
  );
  expect(notes).toEqual([[], [], []]);
  expect(errors).toEqual([
    expect.stringMatching(
      /^backend: The precision float32 was asked for, but .* for bfloat16 already/,
    ),
  ]);
});
