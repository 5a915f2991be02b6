import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { InferenceSession } from 'onnxruntime-node';

import type { Reward } from '../reward';
import { aesthetic } from './aesthetic';
import { blipVqa } from './blip-vqa';
import { clipScore } from './clip-score';
import { dinoDiversity } from './dino-diversity';
import type { NeuralRewardOptions } from './neural-options';
import { withModel } from './testing/golden';

afterEach(() => jest.restoreAllMocks());

/** Counts the graphs that are open; `then` is called after each was opened. */
function watchGraphs(then: () => void = () => undefined) {
  const create = InferenceSession.create.bind(InferenceSession) as (
    path: string,
    options?: InferenceSession.SessionOptions,
  ) => Promise<InferenceSession>;
  const counts = { opened: 0, open: 0 };
  const spy = jest.spyOn(InferenceSession, 'create') as unknown as jest.SpyInstance<
    Promise<InferenceSession>,
    [string, InferenceSession.SessionOptions?]
  >;
  spy.mockImplementation(async (path, options) => {
    const session = await create(path, options);
    counts.opened++;
    counts.open++;
    jest.spyOn(session, 'release').mockImplementation(async () => {
      counts.open--;
    });
    then();
    return session;
  });
  return counts;
}

const rewards: [string, (options: NeuralRewardOptions) => Promise<Reward>, string, number][] = [
  ['clip-score', clipScore, 'clip', 2],
  ['aesthetic', aesthetic, 'clip', 1],
  ['blip-vqa', blipVqa, 'blip-vqa', 2],
  ['dino-diversity', dinoDiversity, 'dino', 1],
];

test.each(rewards)('%s frees its graphs with itself', async (_, open, model, graphs) => {
  await withModel(model, {}, async (folder) => {
    const counts = watchGraphs();
    const reward = await open({ model: folder });
    expect(counts).toEqual({ opened: graphs, open: graphs });
    await reward.dispose!();
    expect(counts.open).toBe(0);
  });
});

test.each(rewards)(
  '%s leaves no graph open when it cannot be opened',
  async (_, open, model, graphs) => {
    await withModel(model, {}, async (folder) => {
      // Gone when the hash of all files is taken, which is the last step.
      const counts = watchGraphs(() =>
        rmSync(join(folder, 'preprocessor_config.json'), { force: true }),
      );
      await expect(open({ model: folder })).rejects.toThrow('preprocessor_config.json');
      expect(counts).toEqual({ opened: graphs, open: 0 });
    });
  },
);

test('a text half that is none frees both halves', async () => {
  await withModel('clip', {}, async (folder) => {
    cpSync(join(folder, 'onnx/vision_model.onnx'), join(folder, 'onnx/text_model.onnx'));
    const counts = watchGraphs();
    await expect(clipScore({ model: folder })).rejects.toThrow('expected text_embeds');
    expect(counts).toEqual({ opened: 2, open: 0 });
  });
});
