/** Whether pictures can be drawn and encoded: both take binaries that an installation may lack. */
import { encodePng } from '@loop-diffusion/rewards';

/** @returns for each library what is wrong with it, or undefined where it works */
export async function checkPictures(): Promise<Record<string, string | undefined>> {
  const pixel = { width: 1, height: 1, data: new Uint8Array(3) };
  return {
    sharp: await problemOf(() => encodePng(pixel)),
    resvg: await problemOf(async () => {
      const { svgToPng } = await import('../tracking/svg-to-png');
      return svgToPng('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>', {
        scale: 1,
      });
    }),
  };
}

async function problemOf(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
