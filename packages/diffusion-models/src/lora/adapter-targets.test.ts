import { targetOf, targetsOf } from './adapter-targets';

const BLOCK = 'down_blocks.0.attentions.0.transformer_blocks.0';

describe('targetOf', () => {
  it.each([
    [`${BLOCK}.attn1.to_q`, 'to_q'],
    [`${BLOCK}.attn1.to_out.0`, 'to_out.0'],
    [`${BLOCK}.ff.net.0.proj`, 'ff.net.0.proj'],
    [`${BLOCK}.ff.net.2`, 'ff.net.2'],
    ['down_blocks.0.attentions.0.proj_in', 'proj_in'],
    ['down_blocks.0.resnets.1.conv_shortcut', 'conv_shortcut'],
    ['down_blocks.0.downsamplers.0.conv', 'downsamplers.0.conv'],
    ['up_blocks.2.upsamplers.0.conv', 'upsamplers.0.conv'],
    ['time_embedding.linear_1', 'linear_1'],
    ['to_q', 'to_q'],
  ])('of %s is %s', (path, target) => {
    expect(targetOf(path)).toBe(target);
  });
});

describe('targetsOf', () => {
  const paths = ['mid.attn1.to_q', 'mid.attn2.to_q', 'mid.attn2.to_k', 'mid.0.conv', 'up.0.conv'];

  it('are names where all modules of a name are adapted', () => {
    expect(targetsOf(paths.slice(0, 3), paths)).toEqual(['to_k', 'to_q']);
  });

  it('have as much of the path as it takes to match no other', () => {
    expect(targetsOf(['mid.attn2.to_q'], paths)).toEqual(['attn2.to_q']);
    expect(targetsOf(['mid.0.conv'], paths)).toEqual(['mid.0.conv']);
    expect(targetsOf(['conv_in'], ['conv_in', 'mid.conv_in'])).toEqual(['conv_in']);
  });
});
