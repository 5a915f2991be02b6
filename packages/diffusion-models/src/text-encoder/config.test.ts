import { parseTextEncoderConfig } from './config';

describe('parseTextEncoderConfig', () => {
  it("takes transformers' defaults for missing keys, and ignores keys of no effect", () => {
    expect(
      parseTextEncoderConfig({ torch_dtype: 'float16', dropout: 0, return_dict: true }),
    ).toEqual({
      vocabularySize: 49408,
      hiddenSize: 512,
      intermediateSize: 2048,
      layers: 12,
      heads: 8,
      maxPositions: 77,
      activation: 'quick_gelu',
      normEpsilon: 1e-5,
      startTokenId: 49406,
      endTokenId: 49407,
      paddingTokenId: 1,
    });
  });

  it.each([
    [{ hidden_act: 'relu' }, /hidden_act = "relu" is not supported/],
    [{ architectures: ['CLIPVisionModel'] }, /CLIPVisionModel"\] is not supported/],
    [{ model_type: 'bert' }, /model_type = "bert" is not supported/],
    [
      { hidden_size: 10, num_attention_heads: 4 },
      /10 does not divide into num_attention_heads = 4/,
    ],
    [{ eos_token_id: -1 }, /eos_token_id must be a token's id, not -1/],
    [{ vocab_size: '10' }, /vocab_size must be a positive integer/],
    [null, /expected a JSON object/],
  ])('refuses %j', (json, message) => {
    expect(() => parseTextEncoderConfig(json)).toThrow(message);
  });
});
