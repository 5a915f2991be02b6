import { homedir } from 'node:os';
import { join } from 'node:path';

import { METHOD_NAMES } from '../methods';
import { UsageError } from '../usage-error';
import { UserError } from '../user-error';
import { configWarnings } from './config-warnings';
import { configKeys } from './key-reference';
import { resolveConfig } from './resolve-config';

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    return (error as Error).message;
  }
  throw new Error('It was accepted.');
}

describe('resolveConfig', () => {
  test('without a file is the embedded task, every key present', () => {
    const config = resolveConfig(undefined, []);
    expect(config).toMatchObject({
      output: 'runs/shapes-loop',
      model: 'shapes',
      prompts: 'shapes',
      algorithm: { name: 'loop', k: 4, clipRange: 'auto' },
      rewards: [{ name: 'shapes', weight: 1 }],
      lora: { targets: ['to_q', 'to_k', 'to_v', 'to_out.0'] },
      evaluate: { images: 256, prompts: 'shapes', steps: null },
    });
    const missing = configKeys()
      .map(({ path }) => path)
      .filter((path) => !path.includes('[]'))
      // Sections of the methods that were not chosen.
      .filter((path) => !METHOD_NAMES.some((name) => path.startsWith(`algorithm.${name}`)))
      .filter(
        (path) =>
          path.split('.').reduce<unknown>((value, name) => {
            // A section that is null has no keys.
            return value === null ? null : (value as Record<string, unknown>)[name];
          }, config) === undefined,
      );
    expect(missing).toEqual([]);
  });

  test('is stable: what it resolved resolves to itself', () => {
    const config = resolveConfig(
      { sampler: { steps: 20 }, prompts: 'prompts.txt', algorithm: { timesteps: { from: 2 } } },
      ['seed=7'],
    );
    expect(resolveConfig(structuredClone(config), [])).toEqual(config);
  });

  test('overrides win over the file, in their order, and are read as YAML', () => {
    const config = resolveConfig({ iterations: 5, lora: { rank: 4 } }, [
      'iterations=6',
      'iterations=7',
      'optimizer.learningRate=1e-3',
      'optimizer.betas=[0.8, 0.99]',
      'evaluate.guidance=2.5',
      'algorithm.advantageClip=null',
      'output=runs/a=b',
    ]);
    expect(config.iterations).toBe(7);
    expect(config.lora?.rank).toBe(4);
    expect(config.optimizer.learningRate).toBe(1e-3);
    expect(config.optimizer.betas).toEqual([0.8, 0.99]);
    expect(config.evaluate.guidance).toBe(2.5);
    expect(config.output).toBe('runs/a=b');
  });

  test('a section that is null by default opens with its first key', () => {
    const { tracking } = resolveConfig({ tracking: { mlflow: null } }, [
      'tracking.mlflow.url=http://localhost:5000',
    ]);
    expect(tracking).toEqual({
      tensorboard: true,
      mlflow: { url: 'http://localhost:5000', experiment: 'loop-diffusion' },
      wandb: null,
    });
    const refusal = (override: string) => messageOf(() => resolveConfig({}, [override]));
    expect(refusal('tracking.mlflow=yes')).toContain('must be null or {url, experiment}');
    expect(refusal('tracking.wandb={}')).toContain('tracking.wandb.project is missing');
    expect(refusal('tracking.mlflow.adress=x')).toContain("unknown key 'tracking.mlflow.adress'");
    for (const address of ['localhost:5000', 'ftp://localhost', 'http://me:secret@localhost']) {
      expect(refusal(`tracking.mlflow.url=${address}`)).toContain(
        'must be an address that begins with http:// or https://, without a password',
      );
    }
  });

  test('an override reaches into a list', () => {
    const file = { rewards: [{ name: 'shapes' }, { name: 'jpeg-compressibility', weight: 2 }] };
    expect(resolveConfig(file, ['rewards.1.weight=0.5']).rewards).toMatchObject([
      { name: 'shapes', weight: 1 },
      { name: 'jpeg-compressibility', weight: 0.5 },
    ]);
    expect(file.rewards[1]).toEqual({ name: 'jpeg-compressibility', weight: 2 });
  });

  test('an override reaches into the list that is there by default', () => {
    expect(resolveConfig({}, ['rewards.0.weight=2']).rewards).toMatchObject([
      { name: 'shapes', weight: 2 },
    ]);
    const { lora, optimizer } = resolveConfig({}, ['lora.targets.4=ff', 'optimizer.betas.0=0.8']);
    expect(lora?.targets.slice(3)).toEqual(['to_out.0', 'ff']);
    expect(optimizer.betas).toEqual([0.8, 0.999]);
    expect(resolveConfig({}).rewards).toMatchObject([{ weight: 1 }]);
  });

  test('a # in an override is part of its value', () => {
    const output = (override: string) => resolveConfig({}, [override]).output;
    expect(output('output=runs/a #2')).toBe('runs/a #2');
    expect(output('output=#2')).toBe('#2');
    expect(output("output='runs/a #2'")).toBe('runs/a #2');
    expect(messageOf(() => resolveConfig({}, ['seed=3 # mine']))).toContain("seed is '3 # mine'");
  });

  test('a home is filled in where a path is meant, and a variable is refused', () => {
    const file = {
      ...{ output: '~/runs/x', model: '~/model', prompts: '~/p.txt', lora: { from: '~/a' } },
      rewards: [{ name: '~/r.mjs#x', settings: { model: '~/clip', prompt: '$a', weights: [1] } }],
    };
    const config = resolveConfig(file);
    expect(config).toMatchObject({
      output: join(homedir(), 'runs/x'),
      model: join(homedir(), 'model'),
      prompts: join(homedir(), 'p.txt'),
      lora: { from: join(homedir(), 'a') },
      evaluate: { prompts: join(homedir(), 'p.txt') },
      rewards: [
        {
          name: join(homedir(), 'r.mjs#x'),
          settings: { model: join(homedir(), 'clip'), prompt: '$a', weights: [1] },
        },
      ],
    });
    for (const key of ['output', 'model', 'prompts', 'evaluate.prompts', 'lora.from']) {
      const message = messageOf(() => resolveConfig({}, [`${key}=$HOME/x`]));
      expect(message).toContain(`${key} is '$HOME/x'`);
    }
  });

  test('the last two denoise steps are not trained by default, at any number of steps', () => {
    const trained = (steps: number) =>
      resolveConfig({ sampler: { steps } }, []).algorithm.timesteps;
    expect(trained(10)).toMatchObject({ from: 0, to: 8 });
    expect(trained(50)).toMatchObject({ from: 0, to: 48 });
    expect(trained(2)).toMatchObject({ from: 0, to: 1 });
    expect(trained(1)).toMatchObject({ from: 0, to: 1 });
    expect(resolveConfig({}, ['algorithm.timesteps.to=-1']).algorithm.timesteps.to).toBe(9);
  });

  test('prompts of a file are also evaluated unless others are named', () => {
    expect(resolveConfig({ prompts: 'mine.txt' }, []).evaluate.prompts).toBe('mine.txt');
    expect(
      resolveConfig({ prompts: 'mine.txt', evaluate: { prompts: 'other.txt' } }, []).evaluate
        .prompts,
    ).toBe('other.txt');
  });

  test.each<[string, unknown, string[], string[]]>([
    ['a misspelt key', { batch: { promts: 3 } }, [], ["'batch.promts'", "'batch.prompts'"]],
    ['a key in the wrong place', { learningRate: 1 }, [], ["'optimizer.learningRate'"]],
    [
      'an unknown key on the command line',
      {},
      ['algorithm.kk=3'],
      ["'algorithm.kk'", 'algorithm.k'],
    ],
    [
      'more minibatches than images',
      {},
      ['batch.prompts=2', 'algorithm.k=2', 'algorithm.innerUpdates=10', 'algorithm.innerEpochs=2'],
      ['the 4 images', 'into 5 minibatches', 'at most 8'],
    ],
    [
      'a baseline of other images where there are none',
      {},
      [
        'algorithm.name=reinforce',
        'algorithm.reinforce.baseline=batch',
        'batch.prompts=1',
        'algorithm.k=1',
      ],
      ["iteration's other images", 'has one image'],
    ],
    [
      'a key without the space after its colon',
      {},
      ['sampler.window={size:9}'],
      ["'sampler.window.size:9'", "'size: 9'"],
    ],
    [
      'a key that only other methods have',
      {},
      ['algorithm.grpo.beta=0.1'],
      ["'algorithm.grpo.beta'", 'the keys there are std, ratio, divergence'],
    ],
    [
      'storm with a divergence that the method has no steps for',
      {},
      ['algorithm.name=nft', 'optimizer.name=storm', 'algorithm.klWeight=0.1'],
      ['would be a part; leave it out'],
    ],
    ['an unknown key like no other', { lora: { dropout: 0.1 } }, [], ['rank, alpha, targets']],
    ['k = 1', { algorithm: { k: 1 } }, [], ['algorithm.k is 1', 'loop', 'at least 2']],
    ['k = 0', {}, ['algorithm.k=0'], ['algorithm.k is 0']],
    ['steps 0', {}, ['sampler.steps=0'], ['sampler.steps is 0', '1 to 1000', 'denoise steps']],
    ['eta 0', {}, ['sampler.eta=0'], ['sampler.eta is 0', 'above 0']],
    ['a text for a number', { iterations: 'many' }, [], ["iterations is 'many'", 'whole number']],
    ['a fraction for a count', { iterations: 1.5 }, [], ['iterations is 1.5', 'whole number']],
    ['not a number', {}, ['optimizer.learningRate=.nan'], ['optimizer.learningRate is NaN']],
    ['an infinite number', {}, ['optimizer.learningRate=.inf'], ['is Infinity']],
    ['a negative learning rate', {}, ['optimizer.learningRate=-1'], ['is -1', 'above 0']],
    [
      'an unknown algorithm',
      {},
      ['algorithm.name=gropo'],
      ["'gropo'", 'loop, ppo, rloo', '#export'],
    ],
    ['a clip range of 1', {}, ['algorithm.clipRange=1'], ['algorithm.clipRange is 1', 'auto']],
    ['a threshold that is no probability', {}, ['samples.safety=70'], ['is 70', 'from 0 to 1']],
    ['one beta', {}, ['optimizer.betas=[0.9]'], ['optimizer.betas', 'two numbers']],
    ['a beta of 1', {}, ['optimizer.betas=[0.9, 1]'], ['optimizer.betas', 'two numbers']],
    ['no rewards', { rewards: [] }, [], ['rewards is an empty list']],
    ['a reward without a name', { rewards: [{ weight: 1 }] }, [], ['rewards.0.name is missing']],
    ['a reward twice', { rewards: [{ name: 'a' }, { name: 'a' }] }, [], ["'a' twice"]],
    ['a section that is a number', { sampler: 3 }, [], ['sampler is 3', 'steps, eta, guidance']],
    ['no trained step', {}, ['algorithm.timesteps.from=8'], ['trains no denoise step']],
    ['steps that do not exist', {}, ['algorithm.timesteps.to=11'], ['to ends', '11']],
    ['a list as the whole', [1], [], ['list of keys']],
    ['no output', {}, ['output=null'], ['output is null']],
    ['one evaluation image', {}, ['evaluate.images=1'], ['evaluate.images is 1', 'at least 2']],
  ])('refuses %s with a clear sentence', (_, file, overrides, parts) => {
    const message = messageOf(() => resolveConfig(file, overrides));
    for (const part of parts) expect(message).toContain(part);
    expect(message).not.toMatch(/\n|undefined|\[object/);
  });

  test.each<[string, string[], readonly string[]]>([
    ['k of 1', ['algorithm.name=grpo', 'algorithm.k=1'], ['grpo compares', 'at least 2']],
    [
      'odds that would learn nothing',
      ['algorithm.name=asft', 'algorithm.asft.score=reference'],
      ['algorithm.asft.beta=auto'],
    ],
    [
      'imitation alone',
      ['algorithm.name=rpo', 'algorithm.rpo.sftWeight=20000'],
      ['at most 12500', 'imitation alone'],
    ],
    [
      'imitation alone, of steps',
      ['algorithm.name=rpo', 'algorithm.rpo={"form":"steps","sftWeight":12.5}'],
      ['at most 5', 'imitation alone'],
    ],
    [
      'log-ratios that cannot be reached',
      ['algorithm.name=apa', 'algorithm.apa.lambda=0.1'],
      ['a log-ratio of 10', 'at least 10'],
    ],
    [
      'a normalizer that does nothing',
      ['algorithm.name=apa', 'algorithm.apa.normalizer=group'],
      ['next to nothing', 'set algorithm.apa.lambda'],
    ],
    [
      'clamped preferences',
      ['algorithm.name=dpo', 'algorithm.advantageClip=0.5'],
      ['algorithm.advantageClip is 0.5', 'best with the worst'],
    ],
    [
      'rows left out of pairs',
      ['algorithm.name=dpo', 'algorithm.dpo.form=steps', 'algorithm.sampleDropout={}'],
      ['compares them in pairs'],
    ],
    [
      'a bound from no clip',
      ['algorithm.name=grpo', 'algorithm.grpo.ratio=mask', 'algorithm.clipRange=none'],
      ['algorithm.grpo.divergence', 'set one of them'],
    ],
    [
      'the best of one',
      ['algorithm.name=reinforce', 'algorithm.k=1', 'algorithm.sftWeight=1'],
      ['at least 2'],
    ],
    [
      'one image k times',
      ['algorithm.name=nft', 'sampler={"eta":0,"sharedNoise":true}'],
      ['same image'],
    ],
    [
      'STORM without ratios',
      ['optimizer.name=storm', 'algorithm.name=rloo'],
      ['rloo has no ratio'],
    ],
    [
      'STORM over other rows',
      ['optimizer.name=storm', 'algorithm.clipRange=none', 'algorithm.sampleDropout={}'],
      ['algorithm.sampleDropout would take over different rows'],
    ],
    ['STORM with a mask', ['optimizer.name=storm', 'algorithm.name=awm'], ['take another method']],
    [
      'an automatic distance from the base',
      ['algorithm.name=apa', 'algorithm.apa.anchor=base'],
      ['no automatic lambda', 'algorithm.apa.lambda=50'],
    ],
    [
      'pictures of noise',
      ['algorithm.name=qvpo', 'algorithm.qvpo={"entropyFrom":"noise","entropyWeight":0.02}'],
      ['0.01 is the most', 'entropyFrom: base'],
    ],
    [
      'a dropout within the clip',
      ['algorithm.sampleDropout={"delta":0.001}', 'algorithm.clipRange=0.001'],
      ['no larger than algorithm.clipRange (0.001)', '2.5 times'],
    ],
    [
      'a dropout that never acts',
      ['algorithm.sampleDropout={}', 'algorithm.innerUpdates=1'],
      ['never acts with algorithm.innerUpdates at 1'],
    ],
    ['a clip in STORM', ['optimizer.name=storm'], ['clip of loop', 'algorithm.clipRange=none']],
    [
      'a divergence in STORM',
      ['optimizer.name=storm', 'algorithm.clipRange=none', 'algorithm.klWeight=1'],
      ['algorithm.klInReward'],
    ],
    ['emphasis without STORM', ['algorithm.emphasis=ace'], ['optimizer.name=storm']],
    ['steps without randomness', ['sampler.eta=0'], ['sampler.eta is 0', 'nothing to learn from']],
    [
      'steps that are not kept',
      ['algorithm.name=rwr', 'algorithm.klInReward=1'],
      ['algorithm.klInReward needs', 'rwr does not keep'],
    ],
    ['a target for nothing', ['algorithm.klTarget=1'], ['algorithm.klWeight, which is 0']],
    [
      'settings of a method of one’s own',
      ['algorithm.name=apa', 'algorithm.settings.lambda=1'],
      ['those of apa are in algorithm.apa'],
    ],
  ])('refuses %s in one sentence', (_, overrides, parts) => {
    const message = messageOf(() => resolveConfig({}, overrides));
    for (const part of parts) expect(message).toContain(part);
    expect(message).not.toMatch(/\n|undefined|\[object/);
  });

  test('a method’s settings are filled in, and those of others are left out', () => {
    const { algorithm } = resolveConfig({}, ['algorithm.name=rpo']);
    expect(algorithm.rpo).toEqual({ beta: 'auto', form: 'denoising', sftWeight: 'auto' });
    expect(algorithm.innerUpdates).toBe(2);
    expect(algorithm).not.toHaveProperty('dpo');
    expect(resolveConfig({}, ['algorithm.name=./mine.mjs#mine'])).toMatchObject({
      output: 'runs/shapes-mine',
      algorithm: { innerUpdates: 1 },
    });
    expect(resolveConfig({}, ['algorithm.name=nft', 'sampler.eta=0']).sampler.eta).toBe(0);
  });

  test('names all problems at once', () => {
    const message = messageOf(() =>
      resolveConfig({ sampler: { steps: 0 }, seed: -1, batch: { promts: 2 } }, []),
    );
    expect(message).toContain('sampler.steps');
    expect(message).toContain('seed is -1');
    expect(message).toContain('batch.promts');
  });

  test.each(['reinforce', 'ppo'])(
    '%s, which compares nothing within an iteration and a prompt, takes one sample per prompt',
    (name) => {
      expect(resolveConfig({}, [`algorithm.name=${name}`, 'algorithm.k=1']).algorithm.k).toBe(1);
    },
  );

  test.each([
    ['lora='],
    ['output= '],
    ['output="a" # b'],
    ['seed'],
    ['=3'],
    ['a..b=3'],
    ['seed=[1'],
  ])('refuses the override %s', (override) => {
    expect(() => resolveConfig({}, [override])).toThrow(UsageError);
  });

  test('all weights are trained where lora is null, which no override undoes unnoticed', () => {
    expect(resolveConfig({ lora: null }).lora).toBeNull();
    const config = resolveConfig({}, ['lora.rank=4', 'lora=null']);
    expect(config.lora).toBeNull();
    expect(resolveConfig(structuredClone(config))).toEqual(config);
    const override = () => resolveConfig({ lora: null }, ['lora.rank=4']);
    expect(override).toThrow(UsageError);
    expect(override).toThrow('lora is null, which trains all weights of the UNet');
    expect(resolveConfig({ lora: null }, ['lora={}', 'lora.rank=4']).lora).toMatchObject({
      rank: 4,
      alpha: 8,
    });
    expect(messageOf(() => resolveConfig({ lora: true }))).toContain(
      'lora is true, but must be null or {rank, alpha, targets, from}',
    );
  });

  test('the learning rate is by default that of what is trained', () => {
    const rate = (overrides: string[]) => resolveConfig({}, overrides).optimizer.learningRate;
    expect(rate([])).toBe(2e-3);
    expect(rate(['lora=null'])).toBe(2e-5);
    expect(rate(['lora=null', 'optimizer.learningRate=2e-3'])).toBe(2e-3);
  });

  test('an override cannot reach a prototype', () => {
    expect(messageOf(() => resolveConfig({}, ['__proto__.polluted=1']))).toContain('__proto__');
    expect(messageOf(() => resolveConfig({}, ['constructor.prototype.polluted=1']))).toContain(
      'constructor',
    );
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('configWarnings', () => {
  test.each([
    [[]],
    [['sampler.window={size: 4}', 'algorithm.timesteps.count=4']],
    [['algorithm.name=grpo', 'algorithm.grpo={ratio: mask, divergence: 1}']],
    // It can have no clip.
    [['optimizer.name=storm', 'algorithm.clipRange=none']],
  ])('says nothing of %j', (overrides) => {
    expect(configWarnings(resolveConfig({}, overrides))).toEqual([]);
  });

  test.each([
    [['algorithm.innerUpdates=1'], 'never acts'],
    [['algorithm.name=rloo', 'algorithm.innerUpdates=2'], 'no clip'],
    [['evaluate.guidance=3'], 'guidance'],
    [['lora=null', 'optimizer.learningRate=2e-3'], 'lora is null'],
    [['algorithm.name=grpo', 'algorithm.grpo.divergence=1'], 'grpo.ratio: mask reads'],
    [['algorithm.name=qvpo', 'algorithm.qvpo.beta=3'], 'weights: exponential reads'],
    [['algorithm.name=qvpo', 'algorithm.qvpo.chosen=9'], 'a prompt has 4 images'],
    [['algorithm.name=rwr', 'algorithm.clipRange=0.1'], 'rwr learns from the images alone'],
    [['algorithm.timesteps.count=8'], 'no more than 8 steps are trained'],
    [['sampler.window={size: 8}'], 'window holds them all'],
  ])('%s is warned of', (overrides, part) => {
    expect(configWarnings(resolveConfig({}, overrides)).join()).toContain(part);
  });
});

test('every key is documented with its expected range', () => {
  for (const key of configKeys()) {
    expect(key.description).not.toBe('');
    expect(key.expected).not.toBe('');
  }
});

describe('defaults of a model', () => {
  const defaults = {
    sampler: { steps: 30, guidance: 7.5 },
    lora: { rank: 4, alpha: 4 },
    optimizer: { learningRate: 3e-4 },
  };

  it('are taken where nothing is set, by file or override', () => {
    const file = { sampler: { steps: 12 }, optimizer: { learningRate: 1e-3 } };
    const { sampler, lora, optimizer } = resolveConfig(file, ['lora.rank=2'], defaults);
    expect(sampler).toMatchObject({ steps: 12, guidance: 7.5, eta: 1 });
    expect(lora).toMatchObject({ rank: 2, alpha: 4 });
    expect(optimizer.learningRate).toBe(1e-3);
    expect(resolveConfig({}, [], defaults).algorithm.timesteps.to).toBe(28);
  });

  it('are taken where code leaves a key undefined', () => {
    const file = { sampler: { guidance: undefined }, lora: undefined };
    const { sampler, lora } = resolveConfig(file, [], defaults);
    expect(sampler.guidance).toBe(7.5);
    expect(lora?.rank).toBe(4);
  });

  it('leave null as it is, and what follows from it', () => {
    const { lora, optimizer } = resolveConfig({ lora: null }, [], defaults);
    expect(lora).toBeNull();
    expect(optimizer.learningRate).toBe(resolveConfig({ lora: null }).optimizer.learningRate);
  });

  it('change nothing of a configuration that says everything', () => {
    const whole = resolveConfig({});
    expect(resolveConfig(whole, [], defaults)).toEqual(whole);
  });
});
