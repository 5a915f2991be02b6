/** Drawings as PNG files, with a font that is the same on every machine. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { Resvg } from '@resvg/resvg-js';

export const FONT_FAMILY = 'DejaVu Sans';

/** @param options.scale pixels per unit of the drawing */
export function svgToPng(svg: string, options: { scale: number }): Uint8Array {
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
