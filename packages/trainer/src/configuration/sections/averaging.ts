/** A smoother policy beside the one that learns. */
import { z } from 'zod';

import { realNumber } from '../../fields';

export const ema = z
  .strictObject({
    decay: realNumber(
      0,
      1,
      'largest decay; the first updates have a smaller one, (1 + n) / (10 + n) at update n',
    ).default(0.99),
  })
  .nullable()
  .meta({
    expected: 'null or {decay}',
    description:
      'an exponential moving average of the trained weights, renewed at each optimizer step, which is what is evaluated and left as the result; null for none',
  })
  .default(null);
