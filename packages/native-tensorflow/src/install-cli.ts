import { installNativeTensorflow } from './install';

const started = Date.now();
const terminal = process.stderr.isTTY;
let lastMessage = '';

function report(message: string, fraction?: number): void {
  if (terminal) {
    const share = fraction === undefined ? '' : ` ${Math.round(fraction * 100).toString()} %`;
    process.stderr.write(`\r\x1b[KTensorFlow: ${message}${share}`);
  } else if (fraction === undefined || fraction === 0) {
    if (message !== lastMessage) console.error(`TensorFlow: ${message}`);
    lastMessage = message;
  }
}

try {
  const { folder, alreadyThere } = await installNativeTensorflow({
    gpu: process.argv.includes('--gpu'),
    onProgress: report,
  });
  if (terminal) process.stderr.write('\r\x1b[K');
  const seconds = Math.round((Date.now() - started) / 1000).toString();
  if (!alreadyThere)
    console.error(`TensorFlow's native library is installed in ${folder} (${seconds} s).`);
} catch (error) {
  if (terminal) process.stderr.write('\r\x1b[K');
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
