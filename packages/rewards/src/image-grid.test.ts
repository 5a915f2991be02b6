import { imageGrid } from './image-grid';

function flat(width: number, height: number, byte: number) {
  return { width, height, data: new Uint8Array(width * height * 3).fill(byte) };
}

/** The red channel, row by row. */
function rows({ width, data }: { width: number; data: ArrayLike<number> }): number[][] {
  const red = Array.from(data).filter((_, index) => index % 3 === 0);
  return Array.from({ length: red.length / width }, (_, row) =>
    red.slice(row * width, (row + 1) * width),
  );
}

describe('imageGrid', () => {
  it('lays images out in rows with a gap, the last row short', () => {
    const grid = imageGrid([flat(1, 1, 1), flat(1, 1, 2), flat(1, 1, 3)], 2, {
      gap: 1,
      background: [9, 9, 9],
    });
    expect(rows(grid)).toEqual([
      [9, 9, 9, 9, 9],
      [9, 1, 9, 2, 9],
      [9, 9, 9, 9, 9],
      [9, 3, 9, 9, 9],
      [9, 9, 9, 9, 9],
    ]);
  });

  it('is no wider than its images, and scales by whole pixels', () => {
    const float = { width: 2, height: 1, data: Float32Array.of(0, 0, 0, 1, 1, 1) };
    const grid = imageGrid([float], 8, { gap: 0, scale: 2 });
    expect(rows(grid)).toEqual([
      [0, 0, 255, 255],
      [0, 0, 255, 255],
    ]);
  });

  it('refuses nothing, unequal sizes and impossible numbers', () => {
    expect(() => imageGrid([], 1)).toThrow('at least one image');
    expect(() => imageGrid([flat(1, 1, 0), flat(2, 1, 0)], 2)).toThrow('Image 1 is 2×1');
    expect(() => imageGrid([flat(1, 1, 0)], 0)).toThrow('columns is 0');
    expect(() => imageGrid([flat(1, 1, 0)], 1, { gap: -1 })).toThrow('gap is -1');
  });
});
