import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What the build puts beside itself, made in a folder that sees the workspace's dependencies. */
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'native-tensorflow-'));
  symlinkSync(join(__dirname, '../../../node_modules'), join(folder, 'node_modules'));
  const script = pathToFileURL(join(__dirname, '../copy-tfjs-node.mjs')).href;
  run(`await (await import('${script}')).copyTfjsNode('${join(folder, 'tfjs-node')}');`);
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function run(module: string): string {
  return execFileSync(process.execPath, ['--input-type=module', '--eval', module], {
    cwd: folder,
    encoding: 'utf8',
  });
}

/** What a process knows after `load`: the kernels with a gradient, the methods of tensors, and whether gradients are right. */
function knownAfter(load: string): unknown {
  return JSON.parse(
    run(`
      import { createRequire } from 'node:module';
      const require = createRequire(import.meta.url);
      const tf = require('@tensorflow/tfjs-core');
      require('@tensorflow/tfjs-backend-cpu');
      require('${load}');
      const gradients = Object.values(tf)
        .filter((name) => typeof name === 'string' && tf.getGradient(name) !== undefined);
      const methods = Object.keys(tf.Tensor.prototype);
      await tf.setBackend('cpu');
      const x = tf.tensor2d([[1, -2], [0.5, 3]]);
      const f = (y) => tf.sum(tf.mul(tf.softmax(tf.selu(y)), tf.cumsum(tf.square(y), 1)));
      const gradient = [...tf.grad(f)(x).dataSync()];
      console.log(JSON.stringify({ gradients: gradients.sort(), methods: methods.sort(), gradient }));`),
  );
}

it('has the same gradients and methods of tensors as the union package', () => {
  const bundle = knownAfter(join(folder, 'tfjs-node/dist/gradients.js')) as {
    gradients: readonly string[];
    methods: readonly string[];
  };
  expect(bundle).toEqual(knownAfter('@tensorflow/tfjs'));
  expect(bundle.gradients).toEqual(expect.arrayContaining(['Conv2D', 'Softmax']));
  expect(bundle.methods).toEqual(expect.arrayContaining(['add', 'matMul']));
});

it('asks for nothing of TensorFlow.js but its core', () => {
  const dist = join(folder, 'tfjs-node/dist');
  const scripts = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.js'),
  );
  const asked = scripts.flatMap((file) => [
    ...readFileSync(join(dist, file), 'utf8').matchAll(/\brequire\(["'](@[^"']+)["']\)/g),
  ]);
  expect(new Set(asked.map(([, name]) => name))).toEqual(new Set(['@tensorflow/tfjs-core']));
});
