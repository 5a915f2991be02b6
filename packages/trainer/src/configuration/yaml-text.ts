/** Values as YAML that readers of both its versions understand. */
import type { ScalarTag, Tags } from 'yaml';

const WITHOUT_POINT = /^-?\d+e/;

/** `1e-8` is a number in YAML 1.2 and a text in 1.1, which Python's PyYAML reads: written `1.0e-8` it is a number in both. */
const exponent: ScalarTag = {
  tag: 'tag:yaml.org,2002:float',
  default: true,
  identify: (value) => typeof value === 'number' && WITHOUT_POINT.test(String(value)),
  // Of several tags for a value the writer takes one with a test.
  test: WITHOUT_POINT,
  resolve: Number,
  stringify: ({ value }) => String(value).replace('e', '.0e'),
};

export const yamlTags = (tags: Tags): Tags => [exponent, ...tags];
