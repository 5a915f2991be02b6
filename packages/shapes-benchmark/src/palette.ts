/** Red, green and blue, each in [0, 1]. */
export type Rgb = readonly [red: number, green: number, blue: number];

export const COLOURS = ['red', 'green', 'blue', 'yellow', 'purple', 'orange'] as const;
export const SHAPES = ['circle', 'square', 'triangle'] as const;
export const TEXTURES = ['solid', 'striped', 'dotted', 'checkered'] as const;

export type Colour = (typeof COLOURS)[number];
export type Shape = (typeof SHAPES)[number];
/** `solid` is what an object has when its prompt names no texture. */
export type Texture = (typeof TEXTURES)[number];

/** Width and height of every picture of this world, in pixels. */
export const CANVAS_SIZE = 64;

function fromBytes(red: number, green: number, blue: number): Rgb {
  return [red / 255, green / 255, blue / 255];
}

/** The light grey that every scene lies on. */
export const GROUND: Rgb = fromBytes(230, 230, 230);

/** The tone of a solid object, and the darker tone of a textured one. */
export const SOLID_TONES: Readonly<Record<Colour, Rgb>> = {
  red: fromBytes(215, 30, 45),
  green: fromBytes(35, 155, 65),
  blue: fromBytes(30, 85, 220),
  yellow: fromBytes(250, 215, 30),
  purple: fromBytes(150, 40, 170),
  orange: fromBytes(245, 125, 20),
};

/** How far the lighter tone of a texture lies on the way from the colour to white. */
const LIGHTENING = 0.55;

function lighten([red, green, blue]: Rgb): Rgb {
  const towardsWhite = (value: number) => value + LIGHTENING * (1 - value);
  return [towardsWhite(red), towardsWhite(green), towardsWhite(blue)];
}

/**
 * The lighter tone of a textured object. It keeps the colour's hue rather than being white, so
 * that a stripe at an object's rim still belongs to the object and not to the light ground.
 */
export const LIGHT_TONES: Readonly<Record<Colour, Rgb>> = {
  red: lighten(SOLID_TONES.red),
  green: lighten(SOLID_TONES.green),
  blue: lighten(SOLID_TONES.blue),
  yellow: lighten(SOLID_TONES.yellow),
  purple: lighten(SOLID_TONES.purple),
  orange: lighten(SOLID_TONES.orange),
};
