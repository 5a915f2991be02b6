/** Writes the curves of the example run to the path given: a program for the test of `renderCurves`. */
import { writeFileSync } from 'node:fs';

import { renderCurves } from '../tracking/curves';
import { exampleHistory } from './example-run';

const [path = ''] = process.argv.slice(2);
void renderCurves(exampleHistory(40)).then((png) => {
  writeFileSync(path, png);
});
