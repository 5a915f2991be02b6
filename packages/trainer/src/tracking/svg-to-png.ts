/** Drawings as PNG files, with a font that is the same on every machine. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import type * as resvg from '@resvg/resvg-js';

import { UserError } from '../user-error';

export const FONT_FAMILY = 'DejaVu Sans';

/**
 * @param options.scale pixels per unit of the drawing
 * @throws UserError where resvg or its binary for this machine is missing
 */
export async function svgToPng(svg: string, options: { scale: number }): Promise<Uint8Array> {
  const { Resvg } = await loadResvg();
  const fonts = join(
    dirname(createRequire(import.meta.url).resolve('dejavu-fonts-ttf/package.json')),
    'ttf',
  );
  const drawing = new Resvg(svg, {
    background: 'white',
    fitTo: { mode: 'zoom', value: options.scale },
    font: {
      fontFiles: [join(fonts, 'DejaVuSans.ttf'), join(fonts, 'DejaVuSans-Bold.ttf')],
      loadSystemFonts: false,
      defaultFontFamily: FONT_FAMILY,
    },
  });
  return drawing.render().asPng();
}

/** With the first drawing: its binary is an optional dependency, which `npm install --omit=optional` leaves out. */
async function loadResvg(): Promise<typeof resvg> {
  try {
    return await import('@resvg/resvg-js');
  } catch (error) {
    throw new UserError(
      `Curves and grids cannot be drawn without resvg and its binary for ${process.platform}-${process.arch}: ` +
        'npm install --include=optional @resvg/resvg-js',
      { cause: error },
    );
  }
}
