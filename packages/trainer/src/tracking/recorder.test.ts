import { exampleEvaluation, exampleIteration, exampleSummary } from '../testing/example-run';
import { nothingDrawn } from '../testing/nothing-drawn';
import { createRecorder } from './recorder';
import type { RunSink } from './sink';

test('every sink is told everything, in their order, with the iterations that were done', async () => {
  const calls: string[] = [];
  const sink = (name: string): RunSink => ({
    iteration: ({ iteration }) => void calls.push(`${name} iteration ${String(iteration)}`),
    evaluation: (record, done) => void calls.push(`${name} ${record.name} at ${String(done)}`),
    sampleGrid: (grid, _, done) => void calls.push(`${name} grid ${grid} at ${String(done)}`),
    finish: () => void calls.push(`${name} finish`),
    close: () => void calls.push(`${name} close`),
  });
  const recorder = createRecorder([sink('a'), {}, sink('b')], 4);
  await recorder.evaluation(exampleEvaluation('before', 0.5));
  await recorder.iteration(exampleIteration(5), nothingDrawn);
  await recorder.sampleGrid('iteration-5', { images: [], prompts: [] });
  await recorder.finish(exampleSummary());
  recorder.close();
  recorder.close();
  expect(calls).toEqual([
    ...['a before at 4', 'b before at 4', 'a iteration 5', 'b iteration 5'],
    ...['a grid iteration-5 at 5', 'b grid iteration-5 at 5'],
    ...['a finish', 'b finish', 'a close', 'b close'],
  ]);
});

test('the first wish to stop counts, and the others are told all the same', async () => {
  const second = jest.fn(() => ({ stop: 'too late' }));
  const recorder = createRecorder([
    {
      iteration: async ({ iteration }) => (iteration === 2 ? { stop: 'good enough' } : undefined),
    },
    { iteration: second },
  ]);
  await recorder.iteration(exampleIteration(2), nothingDrawn);
  expect(recorder.stopRequest).toEqual({ stop: 'good enough' });
  expect(second).toHaveBeenCalledTimes(1);
});

test('what a sink throws is thrown on', async () => {
  const recorder = createRecorder([{ evaluation: () => Promise.reject(new Error('no room')) }]);
  await expect(recorder.evaluation(exampleEvaluation('before', 0.5))).rejects.toThrow('no room');
});
