import { parse } from 'yaml';

import { resolveConfig } from '../configuration/resolve-config';
import { configFileText } from './config-file';

test('is read back as it was', () => {
  const config = resolveConfig({ optimizer: { epsilon: 1e-8, learningRate: 2e-10 }, lora: null });
  expect(parse(configFileText(config))).toEqual(config);
});

test('numbers are numbers in YAML 1.1 too, which PyYAML reads', () => {
  const { optimizer } = resolveConfig({
    optimizer: { epsilon: 1e-8, weightDecay: 2.5e-7, learningRate: 1e21 },
  });
  const text = configFileText(resolveConfig({ optimizer }));
  // Its resolver for floats with an exponent, from resolver.py of PyYAML 6.
  const float = /^[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+][0-9]+)?$/;
  for (const key of ['epsilon', 'weightDecay', 'learningRate']) {
    const [, value] = new RegExp(`^ +${key}: (\\S+)`, 'm').exec(text) ?? [];
    expect(value).toMatch(float);
    expect(Number(value)).toBe(optimizer[key as keyof typeof optimizer]);
  }
  const { optimizer: again } = parse(text, { version: '1.1' }) as { optimizer: object };
  expect(again).toEqual(optimizer);
});
