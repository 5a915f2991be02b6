/** Writes the plot of an example measurement to the path given: a program for the test of `renderVariance`. */
import { writeFileSync } from 'node:fs';

import { renderVariance } from '../gradient-variance/variance-plot';
import { exampleVariance } from './example-variance';

const [path = ''] = process.argv.slice(2);
void renderVariance(exampleVariance()).then((png) => {
  writeFileSync(path, png);
});
