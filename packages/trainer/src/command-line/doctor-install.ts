/** `doctor --install`: TensorFlow's native library for this machine. */
import { createLiveLine } from '../terminal/live-line';
import type { Output } from '../terminal/output';
import { createPhaseProgress } from '../terminal/progress-text';
import type { CommonFlags } from './context';
import type { DoctorTools } from './doctor-diagnosis';

export async function installLibrary(
  flags: CommonFlags & { readonly gpu?: boolean },
  output: Output,
  tools: Pick<DoctorTools, 'status' | 'install'>,
): Promise<void> {
  const { nvidiaDriver } = await tools.status();
  const live = createLiveLine(output.error);
  const progress = createPhaseProgress();
  let said = '';
  const { folder, alreadyThere, notes } = await tools.install({
    gpu: flags.gpu === true || nvidiaDriver !== null,
    verify: true,
    onProgress(message, fraction) {
      if (flags.quiet === true) return;
      if (output.error.isTTY === true) {
        live.show(fraction === undefined ? message : progress.describe(message, fraction));
      } else if (message !== said) {
        output.error.write(`${message}\n`);
        said = message;
      }
    },
  });
  live.clear();
  if (flags.quiet !== true) {
    const what = alreadyThere ? 'is whole, in' : 'was installed into';
    output.error.write(`TensorFlow's native library ${what} ${folder}\n`);
    for (const note of notes) output.error.write(`${note}\n`);
  }
}
