import { Gate } from './gate';

/** A task that ends when told to. */
function pausedTask() {
  let finish = () => {};
  const ended = new Promise<void>((resolve) => (finish = resolve));
  let started = false;
  const task = async () => {
    started = true;
    await ended;
  };
  return { task, finish: () => finish(), hasStarted: () => started };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

it('lets as many in as its limit, and the others in order', async () => {
  const gate = new Gate(2);
  const tasks = Array.from({ length: 5 }, pausedTask);
  const done = tasks.map(({ task }) => gate.run(task));
  const started = () => tasks.map(({ hasStarted }) => hasStarted());
  await settle();
  expect(started()).toEqual([true, true, false, false, false]);
  expect([gate.inside, gate.waiting]).toEqual([2, 3]);
  tasks[1]!.finish();
  await settle();
  expect(started()).toEqual([true, true, true, false, false]);
  for (const { finish } of tasks) finish();
  await Promise.all(done);
  expect([gate.inside, gate.waiting]).toEqual([0, 0]);
});

it('gives the place back when a task fails', async () => {
  const gate = new Gate(1);
  await expect(gate.run(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(await gate.run(() => Promise.resolve('next'))).toBe('next');
});

it('forgets who has given up, before and while waiting', async () => {
  const gate = new Gate(1);
  const first = pausedTask();
  const done = gate.run(first.task);
  const controller = new AbortController();
  const second = pausedTask();
  const waiting = gate.run(second.task, controller.signal);
  controller.abort(new Error('gone'));
  await expect(waiting).rejects.toThrow('gone');
  await expect(gate.run(second.task, controller.signal)).rejects.toThrow('gone');
  expect(gate.waiting).toBe(0);
  first.finish();
  await done;
  expect(second.hasStarted()).toBe(false);
  expect(gate.inside).toBe(0);
});
