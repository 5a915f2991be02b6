/** Writes the comparison of two example runs to the path given: a program for the test of `renderComparison`. */
import { writeFileSync } from 'node:fs';

import { renderComparison } from '../comparison/comparison-plot';
import { exampleHistory } from './example-run';

const [path = ''] = process.argv.slice(2);
const seconds = { total: 120, byPhase: { rollout: 40, update: 80 } };
void renderComparison([
  { name: 'short', history: exampleHistory(12), seconds },
  { name: 'long & <odd>', history: exampleHistory(40), seconds },
]).then((png) => {
  writeFileSync(path, png);
});
