import { dirname, join } from 'node:path';

import { Resvg } from '@resvg/resvg-js';

import type { Image } from '../image';
import { scoreAll } from '../score-all';
import { ocrReward } from './ocr-reward';
import { detectorSize, paddleOcr } from './paddle-ocr';
import type { TextRecogniser } from './text-recogniser';

const FONTS = join(dirname(require.resolve('dejavu-fonts-ttf/package.json')), 'ttf');

/** A picture of an SVG's contents in DejaVu, whatever fonts the machine has. */
function picture(width: number, height: number, background: string, contents: string): Image {
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="DejaVu Sans">` +
    `<rect width="${width}" height="${height}" fill="${background}"/>${contents}</svg>`;
  const fontFiles = ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf', 'DejaVuSerif.ttf'];
  const { pixels } = new Resvg(svg, {
    font: { fontFiles: fontFiles.map((file) => join(FONTS, file)), loadSystemFonts: false },
  }).render();
  const data = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    data.set(pixels.subarray(4 * pixel, 4 * pixel + 3), 3 * pixel);
  }
  return { width, height, data };
}

let recogniser: TextRecogniser;
beforeAll(async () => {
  recogniser = await paddleOcr();
});
afterAll(() => recogniser.dispose!());

const read = async (image: Image) => (await recogniser.read(image)).map(({ text }) => text);

it.each([
  ['HELLO', 512, 512, 'white', '<text x="100" y="260" font-size="80">HELLO</text>'],
  ['Welcome', 128, 128, 'white', '<text x="10" y="68" font-size="20">Welcome</text>'],
  ['STOP', 64, 64, 'white', '<text x="4" y="38" font-size="20">STOP</text>'],
  [
    'BOLD',
    256,
    256,
    '#b01020',
    '<text x="40" y="140" font-size="64" font-weight="bold" fill="white">BOLD</text>',
  ],
  [
    'serif',
    320,
    200,
    '#ffe8a0',
    '<text x="60" y="120" font-size="72" font-family="DejaVu Serif" fill="#003366">serif</text>',
  ],
  [
    'Tilted text',
    320,
    320,
    'white',
    '<text x="40" y="170" font-size="40" transform="rotate(20 160 160)">Tilted text</text>',
  ],
  [
    'Downwards',
    320,
    320,
    'white',
    '<text x="40" y="170" font-size="40" transform="rotate(90 160 160)">Downwards</text>',
  ],
])('reads %s from %i × %i', async (text, width, height, background, contents) => {
  expect(await read(picture(width, height, background, contents))).toEqual([text]);
});

it('reads lines in their order', async () => {
  const lines =
    '<text x="60" y="100" font-size="40">left</text><text x="320" y="104" font-size="40">right</text>' +
    '<text x="60" y="200" font-size="60" fill="yellow">Open daily</text>' +
    '<text x="60" y="300" font-size="32" fill="white">from 9 to 5</text>';
  const image = picture(512, 384, '#447799', lines);
  expect(await read(image)).toEqual(['left', 'right', 'Open daily', 'from 9 to 5']);
});

it('says where a line is', async () => {
  const [line] = await recogniser.read(
    picture(512, 512, 'white', '<text x="100" y="260" font-size="80">HELLO</text>'),
  );
  const [[left, top], , [right, bottom]] = line!.corners;
  // DejaVu's capitals are 0.729 em high and these five 3.09 em wide, with a side bearing of 0.1;
  // the box is on whole pixels of the detector's map, which ends a few of them away from the ink.
  for (const [edge, expected] of [
    [left, 108],
    [top, 260 - 0.729 * 80],
    [right, 100 + 3.19 * 80],
    [bottom, 260],
  ] as const) {
    expect(Math.abs(edge - expected)).toBeLessThan(8);
  }
});

it('reads nothing from a picture without text', async () => {
  expect(await read(picture(256, 256, '#88aa99', '<circle cx="120" cy="120" r="60"/>'))).toEqual(
    [],
  );
});

it('scores pictures by it', async () => {
  const reward = await ocrReward({ recogniser });
  const sign = picture(320, 160, 'white', '<text x="20" y="100" font-size="48">Open daily</text>');
  const blank = picture(320, 160, 'white', '');
  const results = await scoreAll(reward, {
    images: [sign, sign, sign, blank],
    prompts: [
      'A sign that says "OPEN DAILY"',
      'A sign that says "open"',
      'A sign that says "Open daisy"',
      'A sign that says "Open daily"',
    ],
  });
  // One of nine letters is another one.
  expect(results.map((result) => result.ok && result.value)).toEqual([1, 1, 1 - 1 / 9, 0]);
  expect(reward.version).toContain(recogniser.version);
});

it.each([
  [
    { width: 512, height: 512 },
    { width: 512, height: 512 },
  ],
  [
    { width: 64, height: 64 },
    { width: 320, height: 320 },
  ],
  [
    { width: 2000, height: 1000 },
    { width: 960, height: 480 },
  ],
  [
    { width: 500, height: 330 },
    { width: 512, height: 320 },
  ],
  [
    { width: 1000, height: 10 },
    { width: 960, height: 32 },
  ],
])('shows the detector %j as %j', (image, expected) => {
  expect(detectorSize(image)).toEqual(expected);
});
