import { runScript } from '../fixtures/run-script';
import { installNativeTensorflow } from '../install';

interface Memory {
  readonly graphs: number;
  readonly functions: number;
}

beforeAll(async () => {
  await installNativeTensorflow();
});

it('holds nothing after what was compiled is disposed of', () => {
  const memory = runScript<Record<string, Memory | number>>(`
    await native.useBestBackend({ backend: 'tensorflow', quiet: true });
    const work = (x, factor) => {
      const gradient = tf.grad((y) => tf.sum(tf.mul(tf.sigmoid(tf.add(tf.exp(y), factor)), y)));
      return tf.softmax(tf.add(tf.matMul(x, x), gradient(x)));
    };
    const measured = { before: native.compiledMemory() };
    const x = tf.ones([4, 4]);
    const single = native.compile(work);
    tf.dispose([single(x, 1), single(x, 2)]);
    measured.twoSignatures = native.compiledMemory();
    single.dispose();
    measured.disposed = native.compiledMemory();

    const scope = native.createCompileScope();
    const [a, b] = [scope.compile(work, { fuse: 'runs' }), scope.compile(work, { fuse: 'runs' })];
    const first = a(x, 1).dataSync();
    measured.fused = native.compiledMemory();
    b(x, 1).dispose();
    measured.fusedTwice = native.compiledMemory();
    b.dispose();
    measured.fusedOnceAgain = native.compiledMemory();
    // What b shared with it still serves.
    measured.difference = Math.max(...a(x, 1).dataSync().map((value, i) => Math.abs(value - first[i])));
    scope.dispose();
    measured.scopeDisposed = native.compiledMemory();
    a(x, 1).dispose();
    measured.usedAfterwards = native.compiledMemory();
    scope.dispose();

    const failing = native.compile((y) => tf.mul(y, y.dataSync()[0]), { fuse: 'runs' });
    try { failing(x); } catch {}
    measured.failed = native.compiledMemory();

    for (const fuse of [undefined, 'runs', 'whole']) native.compile(work, { fuse })(x, 3).dispose();
    native.disposeCompiled();
    measured.allDisposed = native.compiledMemory();
    report(measured);`);
  const nothing = { graphs: 0, functions: 0 };
  const { fused, fusedTwice, ...rest } = memory as Record<string, Memory>;
  expect(rest).toEqual({
    before: nothing,
    twoSignatures: { graphs: 0, functions: 2 },
    disposed: nothing,
    fusedOnceAgain: fused,
    difference: 0,
    scopeDisposed: nothing,
    usedAfterwards: fused,
    failed: nothing,
    allDisposed: nothing,
  });
  expect(fused!.functions).toBeGreaterThan(1);
  // The runs are the same functions; only the one that calls them is another.
  expect(fusedTwice).toEqual({ graphs: 0, functions: fused!.functions + 1 });
});

it('frees the signature that was not called for longest, and says so once', () => {
  const { memory, traces, lines } = runScript<{
    memory: Memory;
    traces: readonly number[];
    lines: readonly string[];
  }>(`
    await native.useBestBackend({ backend: 'tensorflow', quiet: true });
    const lines = [];
    console.error = (line) => lines.push(line);
    const traces = [];
    const scaled = native.compile(function scale(x, factor) {
      traces.push(factor);
      return tf.mul(x, factor);
    }, { maximumTraces: 2 });
    for (const factor of [1, 2, 1, 3, 1, 2, 4]) scaled(tf.ones([2]), factor).dispose();
    report({ memory: native.compiledMemory(), traces, lines });`);
  // 3 takes the place of 2, 2 that of 3, and 4 that of 1.
  expect(traces).toEqual([1, 2, 3, 2, 4]);
  expect(memory).toEqual({ graphs: 0, functions: 2 });
  expect(lines).toEqual([
    expect.stringMatching(/^The compiled function scale was called with more than 2 signatures/),
  ]);
});

it('is shared by the ES module and the CommonJS copy of this package', () => {
  const result = runScript<{
    copies: boolean;
    names: readonly string[];
    values: readonly (readonly number[])[];
    memory: readonly Memory[];
  }>(`
    const { name } = await native.useBestBackend({ backend: 'tensorflow', quiet: true });
    const other = loadAsCommonJs();
    const again = await other.useBestBackend({ quiet: true });
    const x = tf.zeros([2]);
    const work = (y) => tf.mul(tf.exp(y), tf.add(y, 2));
    const values = [native, other].map(({ compile }) => [...compile(work, { fuse: 'runs' })(x).dataSync()]);
    const memory = [native.compiledMemory()];
    // A function compiled by one copy calls one that the other has compiled, which is then recorded as it is.
    const outer = native.compile((y) => tf.add(other.compile(work)(y), 1));
    values.push([...outer(x).dataSync()]);
    native.disposeCompiled();
    memory.push(other.compiledMemory());
    report({ copies: other.compile !== native.compile, names: [name, again.name], values, memory });`);
  expect(result.copies).toBe(true);
  expect(result.names).toEqual(['tensorflow', 'tensorflow']);
  expect(result.values).toEqual([
    [2, 2],
    [2, 2],
    [3, 3],
  ]);
  // One run of operations, called by two functions.
  expect(result.memory).toEqual([
    { graphs: 0, functions: 3 },
    { graphs: 0, functions: 0 },
  ]);
});

it('is told errors of its own, and the process lives on', () => {
  const errors = runScript<readonly string[]>(`
    import { execFileSync } from 'node:child_process';
    import { readFileSync } from 'node:fs';
    import { functionAddon } from './src/compile/function-addon.ts';
    await native.useBestBackend({ backend: 'tensorflow', quiet: true });
    const { addon, binding } = functionAddon();
    const errors = [];
    const attempt = (call) => { try { call(); } catch (error) { errors.push(error.message); } };
    const graph = addon.newGraph();
    const float = (name) => [{ name, type: 4, value: 1 }];
    addon.addOperation(graph, 'Placeholder', float('dtype'), [], []);
    attempt(() => addon.addOperation(graph, 'Identity', float('T'), [[0, 1]], []));
    attempt(() => addon.addOperation(graph, 'Identity', float('T'), [[7, 0]], []));
    attempt(() => addon.addOperation(graph, 'Identity', float('T'), { length: 1 }, []));
    addon.release(graph);
    attempt(() => addon.addOperation(graph, 'NoOp', [], [], []));

    // 1 GB for a list's entries, where the process is left a quarter of that.
    const [, kilobytes] = /VmSize:\\s*(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'));
    const limit = 1024 * kilobytes + 2 ** 28;
    execFileSync('prlimit', ['--pid', String(process.pid), '--as=' + limit]);
    attempt(() => addon.addOperation(addon.newGraph(), 'AddN', [], new Array(2 ** 27), []));
    report(errors);`);
  expect(errors).toEqual([
    'Placeholder has no output 1',
    'an [operation, output] pair of this graph was expected',
    'an array was expected',
    'the handle has been released, or is of another kind',
    'std::bad_alloc',
  ]);
});
