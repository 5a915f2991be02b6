import { type Texture, TEXTURES } from './palette';

/**
 * Textures repeat every 8 pixels and are aligned to the canvas, not to the object: each 8×8 cell
 * that an autoencoder of factor 8 compresses into one latent pixel sees the same pattern.
 */
export const TILE_SIZE = 8;

const DOT_RADIUS = 2.75;
/** Sub-samples per pixel and axis; only the round dots need them. */
const SUBSAMPLES = 8;

function isSolidAt(texture: Texture, x: number, y: number): boolean {
  switch (texture) {
    case 'solid':
      return true;
    case 'striped':
      return y < TILE_SIZE / 2;
    case 'checkered':
      return x < TILE_SIZE / 2 === y < TILE_SIZE / 2;
    case 'dotted':
      return Math.hypot(x - TILE_SIZE / 2, y - TILE_SIZE / 2) > DOT_RADIUS;
  }
}

function createTile(texture: Texture): Float32Array {
  const tile = new Float32Array(TILE_SIZE * TILE_SIZE);
  for (let row = 0; row < TILE_SIZE; row++) {
    for (let column = 0; column < TILE_SIZE; column++) {
      let hits = 0;
      for (let i = 0; i < SUBSAMPLES; i++) {
        for (let j = 0; j < SUBSAMPLES; j++) {
          const x = column + (j + 0.5) / SUBSAMPLES;
          const y = row + (i + 0.5) / SUBSAMPLES;
          if (isSolidAt(texture, x, y)) hits++;
        }
      }
      tile[row * TILE_SIZE + column] = hits / (SUBSAMPLES * SUBSAMPLES);
    }
  }
  return tile;
}

/**
 * One period of each texture, `[8, 8]` row-major: the fraction of a pixel that has the solid tone
 * (1) rather than the light one (0). Pixel (x, y) of the canvas reads entry (x mod 8, y mod 8).
 */
export const TEXTURE_TILES: readonly Float32Array[] = TEXTURES.map(createTile);

export function textureTile(texture: Texture): Float32Array {
  const tile = TEXTURE_TILES[TEXTURES.indexOf(texture)];
  if (tile === undefined) {
    throw new Error(`Unknown texture "${texture}"; expected one of ${TEXTURES.join(', ')}.`);
  }
  return tile;
}
