import type { Point, Quadrilateral } from './text-recogniser';

/** Twice the signed area of a triangle: positive where a → b → c turns clockwise on the screen. */
function turn(a: Point, b: Point, c: Point): number {
  return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}

/** Corners of the convex hull, in order (Andrew's monotone chain). */
function convexHull(points: readonly Point[]): Point[] {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const half = (along: readonly Point[]) => {
    const chain: Point[] = [];
    for (const point of along) {
      while (chain.length > 1 && turn(chain.at(-2)!, chain.at(-1)!, point) <= 0) chain.pop();
      chain.push(point);
    }
    return chain.slice(0, -1);
  };
  return [...half(sorted), ...half(sorted.reverse())];
}

/** A rectangle in any direction. */
export interface Rectangle {
  readonly centre: Point;
  /** Unit vector along `width`; `height` is along the direction at a right angle to it. */
  readonly direction: Point;
  readonly width: number;
  readonly height: number;
}

/**
 * The rectangle of the smallest area around the points: one of its sides lies along a side of their
 * convex hull. None for points on one line.
 */
export function smallestRectangle(points: readonly Point[]): Rectangle | undefined {
  const hull = convexHull(points);
  if (hull.length < 3) return undefined;
  let best: Rectangle | undefined;
  for (const [index, [fromX, fromY]] of hull.entries()) {
    const [toX, toY] = hull[(index + 1) % hull.length]!;
    const length = Math.hypot(toX - fromX, toY - fromY);
    const x = (toX - fromX) / length;
    const y = (toY - fromY) / length;
    const along = hull.map((point) => point[0] * x + point[1] * y);
    const across = hull.map((point) => point[1] * x - point[0] * y);
    const [left, right] = [Math.min(...along), Math.max(...along)];
    const [top, bottom] = [Math.min(...across), Math.max(...across)];
    const [width, height] = [right - left, bottom - top];
    if (best !== undefined && width * height >= best.width * best.height) continue;
    const [u, v] = [(left + right) / 2, (top + bottom) / 2];
    best = { centre: [u * x - v * y, u * y + v * x], direction: [x, y], width, height };
  }
  return best;
}

/** The corners clockwise from the top left: of the two to the left the upper one comes first. */
export function rectangleCorners({ centre, direction, width, height }: Rectangle): Quadrilateral {
  const [x, y] = direction;
  const corner = (u: number, v: number): Point => [
    centre[0] + (u * width * x - v * height * y) / 2,
    centre[1] + (u * width * y + v * height * x) / 2,
  ];
  const corners = [corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1)];
  const [a, b, c, d] = corners.sort((one, other) => one[0] - other[0]) as [
    Point,
    Point,
    Point,
    Point,
  ];
  const [topLeft, bottomLeft] = b[1] > a[1] ? [a, b] : [b, a];
  const [topRight, bottomRight] = d[1] > c[1] ? [c, d] : [d, c];
  return [topLeft, topRight, bottomRight, bottomLeft];
}
