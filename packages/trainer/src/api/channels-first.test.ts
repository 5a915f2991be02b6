import { toChannelsFirst, toChannelsLast } from './channels-first';

describe('channels first and last', () => {
  // One row of two pixels with three channels.
  const last = Float32Array.of(11, 12, 13, 21, 22, 23);
  const first = Float32Array.of(11, 21, 12, 22, 13, 23);

  it('moves channels to the front and back', () => {
    expect(toChannelsFirst(last, [1, 2, 3])).toEqual(first);
    expect(toChannelsLast(first, [1, 2, 3])).toEqual(last);
  });
});
