/** Images side by side with their prompts. */
import { encodePng, type Image } from '@loop-diffusion/rewards';

import { FONT_FAMILY, svgToPng } from './svg-to-png';

export interface GridRow {
  readonly prompt: string;
  /** One image per column of the grid's legend. */
  readonly images: readonly Image[];
}

/**
 * Draws a cell per prompt, with one image per label beside each other under it, as `[base | now]`.
 * @param options.title stands above the grid
 * @param options.labels what the images of a cell are, in their order
 */
export async function renderSampleGrid(
  rows: readonly GridRow[],
  options: { title: string; labels: readonly string[] },
): Promise<Uint8Array> {
  const { labels, title } = options;
  const side = displaySide(rows);
  const cellWidth = labels.length * side + (labels.length - 1) * IMAGE_GAP;
  const columns = Math.max(
    1,
    Math.min(rows.length, Math.floor(MAXIMUM_WIDTH / (cellWidth + CELL_GAP))),
  );
  const captions = rows.map(({ prompt }) => wrap(prompt, cellWidth));
  const captionHeight = LINE_HEIGHT * Math.max(1, ...captions.map((lines) => lines.length));
  const labelHeight = labels.length > 1 ? LINE_HEIGHT : 0;
  const cellHeight = captionHeight + labelHeight + side + 6;
  const width = Math.max(columns * (cellWidth + CELL_GAP) + CELL_GAP, 360);
  const height = TITLE_HEIGHT + Math.ceil(rows.length / columns) * (cellHeight + CELL_GAP);

  const cells = await Promise.all(
    rows.map(async ({ images }, index) => {
      const left = CELL_GAP + (index % columns) * (cellWidth + CELL_GAP);
      const top = TITLE_HEIGHT + Math.floor(index / columns) * (cellHeight + CELL_GAP);
      const lines = captions[index] ?? [];
      const caption = lines.map((line, number) =>
        label(
          line,
          left,
          top + captionHeight - LINE_HEIGHT * (lines.length - number - 0.75),
          'fill="#111"',
        ),
      );
      const pictures = await Promise.all(
        images.map(async (image, column) => {
          const x = left + column * (side + IMAGE_GAP);
          const y = top + captionHeight + labelHeight;
          const name =
            labelHeight > 0
              ? label(labels[column] ?? '', x, y - LINE_HEIGHT * 0.25, 'fill="#777"')
              : '';
          return name + (await picture(image, x, y, side));
        }),
      );
      return [...caption, ...pictures].join('');
    }),
  );
  const heading = `<text x="${String(CELL_GAP)}" y="24" font-size="16" font-weight="bold">${escapeXml(title)}</text>`;
  return svgToPng(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${String(width)}" height="${String(height)}" font-family="${FONT_FAMILY}" font-size="${String(FONT_SIZE)}">${heading}${cells.join('')}</svg>`,
    { scale: 1 },
  );
}

const MAXIMUM_WIDTH = 1200;
const TITLE_HEIGHT = 40;
const CELL_GAP = 16;
const IMAGE_GAP = 4;
const FONT_SIZE = 12;
const LINE_HEIGHT = 16;
/** DejaVu Sans is wide: an average letter takes this much of the font's size. */
const LETTER_WIDTH = 0.58 * FONT_SIZE;

/** Small images are enlarged by a whole factor so that each of their pixels stays a square; large ones are shrunk. */
function displaySide(rows: readonly GridRow[]): number {
  const widest = Math.max(1, ...rows.flatMap(({ images }) => images.map((image) => image.width)));
  return widest >= 128 ? Math.min(widest, 256) : widest * Math.ceil(128 / widest);
}

async function picture(image: Image, x: number, y: number, side: number): Promise<string> {
  const data = (await encodePng(image)).toString('base64');
  const height = (side * image.height) / image.width;
  const rendering = image.width < side ? 'optimizeSpeed' : 'optimizeQuality';
  return `<image x="${String(x)}" y="${String(y)}" width="${String(side)}" height="${String(height)}" image-rendering="${rendering}" href="data:image/png;base64,${data}"/>`;
}

function label(text: string, x: number, y: number, attributes: string): string {
  return `<text x="${String(x)}" y="${String(y)}" ${attributes}>${escapeXml(text)}</text>`;
}

/** At most three lines; what does not fit ends in an ellipsis. */
function wrap(text: string, width: number): string[] {
  const perLine = Math.max(4, Math.floor(width / LETTER_WIDTH));
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= perLine) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word.length > perLine ? `${word.slice(0, perLine - 1)}…` : word);
  }
  if (lines.length <= 3) return lines;
  return [...lines.slice(0, 2), `${(lines[2] ?? '').slice(0, perLine - 1)}…`];
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

function escapeXml(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ').replace(/[&<>"']/g, (letter) => ESCAPES[letter] ?? letter);
}
