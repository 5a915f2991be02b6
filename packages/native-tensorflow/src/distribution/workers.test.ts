/** Clusters of real processes. */
import { existsSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { buildFolder, manifestFile } from '../cache';
import {
  endWorkers,
  freeAddresses,
  runWorkers,
  startProcess,
  startWorker,
} from '../fixtures/run-workers';
import { nativeBuilds } from '../wheels';

const installed = existsSync(join(buildFolder(nativeBuilds.cpu), manifestFile));
const describeNative = installed || Boolean(process.env['CI']) ? describe : describe.skip;

/** At the head of each script. */
const joinCluster = `
  await native.useBestBackend({ quiet: true, threadsPerOperation: 1, cluster });
  const { rank, size } = native.clusterInfo();
  const take = (tensor) => {
    const values = [...tensor.dataSync()];
    tensor.dispose();
    return values;
  };
  const hex = (numbers) => Buffer.from(Float64Array.from(numbers).buffer).toString('hex');`;

const hex = (numbers: readonly number[]) =>
  Buffer.from(Float64Array.from(numbers).buffer).toString('hex');

const describeError = `({ name, kind, message, worker }) => ({ name, kind, message, worker })`;

interface Refusal {
  readonly name: string;
  readonly kind: string;
  readonly message: string;
  readonly worker?: number;
}

afterEach(endWorkers);

describeNative('workers', () => {
  it('compute together, to the same bits', async () => {
    const before = `
      import { createHash } from 'node:crypto';
      ${joinCluster}
      const { numTensors } = tf.memory();`;
    const found = await runWorkers<Record<string, unknown>>(
      3,
      `${before}
      const result = { rank, size };
      const reduce = async (values, options) => {
        const own = tf.tensor1d(values);
        const reduced = native.allReduce(own, options);
        own.dispose();
        return take(await reduced);
      };
      result.sum = await reduce([rank + 1, 10 * (rank + 1)]);
      result.mean = await reduce([rank, 0.5], { reduction: 'mean' });
      result.min = await reduce([rank, -rank], { reduction: 'min' });
      result.max = await reduce([rank, -rank], { reduction: 'max' });

      const mixed = [tf.tensor1d([rank, 2], 'int32'), tf.fill([2, 2], 0.5), tf.zeros([0, 3]), tf.scalar(rank)];
      const several = await native.allReduce(mixed);
      result.several = several.map((x) => [x.dtype, x.shape, take(x)]);
      tf.dispose(mixed);

      const gather = async (own) => {
        const all = await native.allGather(own);
        own.dispose();
        return [all.dtype, all.shape, take(all)];
      };
      result.gathered = await gather(tf.tensor2d([[rank, -rank]], [1, 2], 'int32'));
      result.ragged = await gather(tf.fill([rank, 2], rank));
      result.flags = await gather(tf.tensor1d([rank === 1], 'bool'));
      result.nothing = await gather(tf.zeros([0, 4]));
      const unlike = tf.zeros([1, rank + 1]);
      result.unlike = await native.allGather(unlike).catch(({ name, message }) => [name, message]);
      unlike.dispose();

      const own = tf.tensor2d([[rank + 0.25, -0]]);
      const sent = await native.broadcast(own, 1);
      result.sent = [sent.shape, hex(take(sent))];
      const flag = tf.tensor1d([rank === 2], 'bool');
      const flags = await native.broadcast(flag, 2);
      result.sentFlag = [flags.dtype, take(flags)];
      tf.dispose([own, flag]);

      const lists = await native.allGatherNumbers([0.1 + rank, -0, Number.MIN_VALUE].slice(rank));
      result.lists = lists.map(hex);
      result.total = hex(await native.allReduceNumbers([0.1 * (rank + 1), 2 ** 53 - 1]));
      result.lengths = await native.allReduceNumbers([0, 1].slice(0, rank)).catch(({ name, message }) => [name, message]);

      // Begun together they are done in this order, on all workers alike.
      const noise = tf.randomNormal([50000], 0, 1, 'float32', rank + 1);
      const [first, second, , numbers] = await Promise.all([
        native.allReduce(noise), native.allGather(noise), native.barrier(), native.allGatherNumbers([rank]),
      ]);
      noise.dispose();
      const hash = createHash('sha256');
      for (const x of [first, second]) {
        hash.update(x.dataSync());
        x.dispose();
      }
      result.noise = hash.digest('hex');
      result.numbers = numbers;
      result.left = tf.memory().numTensors - numTensors;
      report(result);`,
    );
    expect(found.map(({ rank }) => rank)).toEqual([0, 1, 2]);
    const [first] = found;
    for (const [rank, one] of found.entries()) expect(one).toEqual({ ...first, rank });
    expect(first).toMatchObject({
      size: 3,
      sum: [6, 60],
      mean: [1, 0.5],
      min: [0, -2],
      max: [2, 0],
      several: [
        ['int32', [2], [3, 6]],
        ['float32', [2, 2], [1.5, 1.5, 1.5, 1.5]],
        ['float32', [0, 3], []],
        ['float32', [], [3]],
      ],
      gathered: ['int32', [3, 2], [0, 0, 1, -1, 2, -2]],
      ragged: ['float32', [3, 2], [1, 1, 2, 2, 2, 2]],
      flags: ['bool', [3], [0, 1, 0]],
      nothing: ['float32', [0, 4], []],
      unlike: [
        'RangeError',
        'allGather takes tensors that differ in their first dimension at most, and was given float32 [1, 1], float32 [1, 2], float32 [1, 3] by workers 0 to 2.',
      ],
      sent: [[1, 2], hex([1.25, -0])],
      sentFlag: ['bool', [1]],
      lists: [
        hex([0.1, -0, Number.MIN_VALUE]),
        hex([-0, Number.MIN_VALUE]),
        hex([Number.MIN_VALUE]),
      ],
      total: hex([0.1 + 0.1 * 2 + 0.1 * 3, 3 * (2 ** 53 - 1)]),
      lengths: [
        'RangeError',
        'allReduceNumbers takes lists of the same length, and was given 0, 1, 2 numbers by workers 0 to 2.',
      ],
      numbers: [[0], [1], [2]],
      left: 0,
    });
  });

  it('wait for one that comes later, on their own address alone, while Node goes on', async () => {
    const workers = await freeAddresses(2);
    const script = `
      const clock = setInterval(() => report('tick'), 50);
      ${joinCluster}
      clearInterval(clock);
      report(take(await native.allReduce(tf.scalar(rank + 1))));`;
    const early = startWorker(workers, 0, script);
    const port = Number(workers[0]?.split(':')[1]);
    while (!(await accepts('127.0.0.1', port))) await early.nextReport();
    const others = Object.values(networkInterfaces()).flatMap(
      (list) => list?.filter(({ family, internal }) => family === 'IPv4' && !internal) ?? [],
    );
    for (const address of ['127.0.0.2', '::1', ...others.map(({ address }) => address)]) {
      expect([address, await accepts(address, port)]).toEqual([address, false]);
    }
    // Of those reported since, some must be from after it began to wait.
    const ticks = early.reports.length;
    while (early.reports.length < ticks + 10) await early.nextReport();
    const late = startWorker(workers, 1, script);
    for (const { end, reports } of [early, late]) {
      expect(await end).toMatchObject({ code: 0 });
      expect(reports.at(-1)).toEqual([3]);
    }
  });

  it('end with an error that names the one that was killed, or the deadline', async () => {
    const workers = await freeAddresses(3);
    const started = workers.map((_, index) =>
      startWorker(
        workers,
        index,
        `${joinCluster}
        const x = tf.ones([1000]);
        const options = { timeoutSeconds: 30 };
        let error;
        for (let round = 0; error === undefined; round++) {
          if (rank === 1 && round === 3) process.kill(process.pid, 'SIGKILL');
          await native.allReduce(x, options).then((sum) => sum.dispose(), (problem) => (error = problem));
        }
        const later = await native.barrier().catch((problem) => problem);
        const joining = await native.useBestBackend({ cluster }).catch((problem) => problem);
        report({ ...(${describeError})(error), same: later === error && joining === error });`,
      ),
    );
    const ends = await Promise.all(started.map(({ end }) => end));
    expect(ends.map(({ code, signal }) => signal ?? code)).toEqual([0, 'SIGKILL', 0]);
    for (const index of [0, 2]) {
      const [error] = started[index]?.reports as (Refusal & { same: boolean })[];
      expect(error).toMatchObject({ name: 'ClusterError', kind: 'cluster', same: true });
      expect(error?.message).toMatch(
        /^allReduce failed: worker \d \(127\.0\.0\.1:\d+\) is gone \(.+\)\.$|^allReduce \(the 5th collective call\) was not done by all 3 workers within 30 s: worker/,
      );
      expect(error?.message).not.toContain('\n');
    }
  });

  it('refuse to begin where they cannot listen, or the others do not come', async () => {
    const workers = await freeAddresses(3);
    const taken = createServer();
    await once(taken.listen(Number(workers[0]?.split(':')[1]), '127.0.0.1'), 'listening');
    const script = `
      const error = await native.useBestBackend({ quiet: true, cluster }).catch((problem) => problem);
      report((${describeError})(error));`;
    const refused = startWorker(workers, 0, script);
    const waiting = startWorker(workers, 1, script, { joinTimeoutSeconds: 1 });
    const leave = `
      let ticks = 0;
      setInterval(() => {
        if (native.clusterInfo().size === 3 && ++ticks === 10) process.exit(3);
      }, 20);`;
    const leaving = startWorker(workers, 2, leave + script);
    expect(await refused.nextReport()).toEqual({
      name: 'ClusterError',
      kind: 'cluster',
      message: `Worker 0 cannot listen on ${workers[0] ?? ''}: Address already in use.`,
      worker: 0,
    });
    const message = expect.stringMatching(
      /^joining the cluster \(the 1st collective call\) was not done by all 3 workers within 1 s: workers? 0 \(.* not answer\.$/,
    ) as string;
    expect(await waiting.nextReport()).toMatchObject({ name: 'ClusterError', message, worker: 0 });
    expect(await refused.end).toMatchObject({ code: 0 });
    expect(await waiting.end).toMatchObject({ code: 0 });
    // In the midst of waiting, for a thread that would wait for minutes.
    expect(await leaving.end).toMatchObject({ code: 3 });
    taken.close();
  });

  it('can leave while they wait', async () => {
    const workers = await freeAddresses(2);
    const leaving = startWorker(
      workers,
      0,
      `
      const ending = new AbortController();
      const { signal } = ending;
      const joining = native.useBestBackend({ quiet: true, cluster, signal }).catch((problem) => problem);
      const waiting = setInterval(() => {
        if (native.clusterInfo().size === 2) ending.abort();
      }, 20);
      const error = await joining;
      clearInterval(waiting);
      const later = await native.barrier().catch((problem) => problem);
      report({ ...(${describeError})(error), same: later === error });`,
    );
    expect(await leaving.nextReport()).toEqual({
      ...{ name: 'ClusterError', kind: 'cluster', same: true },
      message: 'This process has left its cluster.',
    });
    // No thread of it waits for minutes.
    expect(await leaving.end).toMatchObject({ code: 0 });
  });

  it('tell when they do not make the same calls', async () => {
    const workers = await freeAddresses(2);
    const script = `
      ${joinCluster}
      const error = await native.allReduce(tf.ones([2 + rank])).catch((problem) => problem);
      report((${describeError})(error));`;
    const started = workers.map((_, index) => startWorker(workers, index, script));
    // The one that TensorFlow compares with the other hears of it at once; the other one would wait for its deadline.
    const outcome = await Promise.race(started.map(({ nextReport }) => nextReport()));
    const sentence =
      /^allReduce failed: Shape mismatch .* expected shape \[.\] but .* expected shape \[.\]/;
    expect(outcome).toMatchObject({
      name: 'ClusterError',
      message: expect.stringMatching(sentence) as string,
    });
  });

  it('one process is a worker once', async () => {
    const [outcome] = await runWorkers<string[]>(
      1,
      `
      const said = [];
      const ask = (cluster) =>
        native.useBestBackend({ quiet: true, cluster }).then(
          () => said.push(JSON.stringify(native.clusterInfo())),
          ({ message }) => said.push(message),
        );
      await ask(cluster);
      await ask(cluster);
      await ask({ workers: ['a:1', 'b:2'], index: 1 });
      await ask({ workers: ['a:1'], index: 1 });
      report(said);`,
    );
    const alone = expect.stringMatching(
      /^\{"rank":0,"size":1,"workers":\["127.0.0.1:\d+"\]\}$/,
    ) as string;
    expect(outcome).toEqual([
      alone,
      alone,
      expect.stringMatching(
        /^This process is to be worker 1 of 2, but is worker 0 of 1 \("127.0.0.1:\d+"\) already, and cannot become another\.$/,
      ),
      'This process is worker 1 of a cluster of 1 (the only index is 0).',
    ]);
  });

  it("do the README's example with TF_CONFIG alone", async () => {
    const readme = readFileSync(join(__dirname, '../../README.md'), 'utf8');
    const example = [...readme.matchAll(/^```ts\n(.*?)^```/gms)]
      .map((match) => match[1] ?? '')
      .find((code) => code.includes('clusterFromTfConfig'));
    const worker = await freeAddresses(2);
    const started = worker.map((_, index) =>
      startProcess(
        (example ?? '').replaceAll(/console\.log\((.*)\);/g, 'console.log(JSON.stringify([$1]));'),
        {
          TF_CONFIG: JSON.stringify({ cluster: { worker }, task: { type: 'worker', index } }),
        },
      ),
    );
    for (const [index, { end, reports }] of started.entries()) {
      expect(await end).toMatchObject({ code: 0 });
      expect(reports).toEqual([[index, 2, [1, 2], [[0.1], [1.1]]]]);
    }
  });
});

async function accepts(address: string, port: number): Promise<boolean> {
  const socket = connect(port, address);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
