import opencv from './fixtures/opencv.json';
import { resizeBilinear } from './resize-bilinear';

it.each(opencv.resized)('is what OpenCV gives for $width × $height', ({ width, height, data }) => {
  const resized = resizeBilinear(
    Uint8Array.from(opencv.image),
    { width: 5, height: 4 },
    width,
    height,
  );
  expect(resized).toHaveLength(data.length);
  // The recorded numbers have four decimals; OpenCV's weights are float32, which for values up to
  // 255 adds as much again.
  for (const [index, value] of data.entries())
    expect(Math.abs(resized[index]! - value)).toBeLessThan(1e-4);
});
