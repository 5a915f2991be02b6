import { captureOutput } from '../testing/captured-output';
import { createDownloadProgress } from './download-progress';

function progressOn(isTTY: boolean, quiet = false) {
  const output = captureOutput({ isTTY });
  const clock = jest.spyOn(Date, 'now');
  let time = 0;
  clock.mockImplementation(() => time);
  return {
    text: () => output.errorText(),
    progress: createDownloadProgress(output.error, { name: 'hf:o/n', quiet }),
    pass: (seconds: number) => (time += 1000 * seconds),
  };
}

afterEach(() => {
  jest.restoreAllMocks();
});

test('tells the share of the whole, the rate and the time left', () => {
  const { progress, pass, text } = progressOn(true);
  const first = { path: 'unet/a.safetensors', fileBytes: 200e6, totalBytes: 400e6, isDone: false };
  pass(1);
  progress.report({ ...first, bytes: 0 });
  pass(9);
  progress.report({ ...first, bytes: 100e6 });
  progress.report({ ...first, bytes: 200e6, isDone: true });
  pass(10);
  // Half of it was there, and says nothing about the rate.
  const second = { ...first, path: 'b' };
  progress.report({ ...second, bytes: 50e6 });
  pass(10);
  progress.report({ ...second, bytes: 100e6 });
  progress.close();
  const lines = text().split('\r\u001b[2K').slice(1);
  expect(lines).toEqual([
    'unet/a.safetensors · 0 of 400 MB · 0 MB/s',
    'unet/a.safetensors · 100 of 400 MB · 10.0 MB/s · 30 s left',
    'b · 250 of 400 MB · 10.0 MB/s · 15 s left',
    'b · 300 of 400 MB · 8.33 MB/s · 12 s left',
    '',
  ]);
});

test('elsewhere than on a terminal it is a line for each large file', () => {
  const { progress, text } = progressOn(false);
  const whole = (path: string, bytes: number) => ({
    ...{ path, bytes, fileBytes: bytes, totalBytes: undefined },
  });
  progress.report({ ...whole('unet/a.safetensors', 50e6), isDone: false });
  progress.report({ ...whole('unet/a.safetensors', 50e6), isDone: true });
  progress.report({ ...whole('b.json', 100), isDone: true });
  expect(text()).toBe('Fetched unet/a.safetensors of hf:o/n (50 MB)\n');
});

test.each([true, false])('quiet, it is nothing (terminal: %s)', (isTTY) => {
  const { progress, text } = progressOn(isTTY, true);
  for (const isDone of [false, true]) {
    progress.report({ path: 'a', bytes: 50e6, fileBytes: 50e6, totalBytes: 50e6, isDone });
  }
  progress.close();
  expect(text()).toBe('');
});
