/**
 * nsfwjs's MobileNetV2 as its package has it, but read by Node: Jest takes a quarter of a minute over a line of megabytes.
 * For `jest.mock('nsfwjs/models/mobilenet_v2', …)`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';

const FOLDER = join(__dirname, '../../../../node_modules/nsfwjs/dist/models/mobilenet_v2');

function read(file: string) {
  return () => {
    const module = { exports: undefined };
    const source = readFileSync(join(FOLDER, `${file}.min.js`), 'utf8');
    Reflect.apply(compileFunction(source, ['module', 'exports']), undefined, [module, {}]);
    // Copied, as lists of Node's are none to Jest.
    return Promise.resolve({ default: JSON.parse(JSON.stringify(module.exports)) as unknown });
  };
}

export const MobileNetV2Model = {
  name: 'MobileNetV2',
  numOfWeightBundles: 1,
  modelJson: read('model'),
  weightBundles: [read('group1-shard1of1')],
};
