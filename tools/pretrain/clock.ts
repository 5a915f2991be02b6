/** Time spent training, over resumptions, and the recent rate. */
export interface Clock {
  seconds(): number;
  rate(
    imagesSeen: number,
    totalImages: number,
    work: (images: number) => number,
  ): { perSecond: number; secondsLeft: number };
}

/** @param before seconds of earlier runs */
export function createClock(before: number, imagesAtStart: number): Clock {
  const start = performance.now();
  const elapsed = (): number => (performance.now() - start) / 1000;
  let marks: { time: number; images: number }[] = [{ time: 0, images: imagesAtStart }];
  return {
    seconds: () => before + elapsed(),
    rate(imagesSeen, totalImages, work) {
      const time = elapsed();
      marks = [...marks.slice(-12), { time, images: imagesSeen }];
      const first = marks[0] ?? { time: 0, images: imagesAtStart };
      const duration = Math.max(1e-3, time - first.time);
      return {
        perSecond: (imagesSeen - first.images) / duration,
        secondsLeft:
          ((work(totalImages) - work(imagesSeen)) * duration) /
          Math.max(1e-9, work(imagesSeen) - work(first.images)),
      };
    },
  };
}
