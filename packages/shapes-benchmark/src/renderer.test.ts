import fc from 'fast-check';

import { seededRandom } from '../testing/images';
import { CANVAS_SIZE, GROUND, LIGHT_TONES, SOLID_TONES } from './palette';
import { parsePrompt } from './prompt';
import { allPrompts, samplePrompts } from './prompt-sets';
import { BORDER_GAP, drawScene, layOutScene, OBJECT_GAP, renderScene } from './renderer';

function pixel(data: ArrayLike<number>, x: number, y: number): number[] {
  const offset = (y * CANVAS_SIZE + x) * 3;
  return [data[offset]!, data[offset + 1]!, data[offset + 2]!];
}

const prompts = allPrompts();

describe('layOutScene', () => {
  it('keeps objects apart, inside, and as the prompt relates them', () => {
    fc.assert(
      fc.property(fc.nat(prompts.length - 1), fc.integer(), (index, seed) => {
        const prompt = prompts[index]!;
        const { objects } = layOutScene(prompt, seededRandom(seed));
        expect(objects).toHaveLength(prompt.objects.length);
        for (const [i, a] of objects.entries()) {
          expect(a).toMatchObject(prompt.objects[i]!);
          expect(a.size).toBeGreaterThanOrEqual(14);
          expect(a.size).toBeLessThanOrEqual(36);
          for (const centre of [a.centreX, a.centreY]) {
            expect(centre - a.size / 2).toBeGreaterThanOrEqual(BORDER_GAP - 1e-9);
            expect(centre + a.size / 2).toBeLessThanOrEqual(CANVAS_SIZE - BORDER_GAP + 1e-9);
          }
          for (const b of objects.slice(i + 1)) {
            const apart = Math.max(
              Math.abs(a.centreX - b.centreX),
              Math.abs(a.centreY - b.centreY),
            );
            expect(apart).toBeGreaterThanOrEqual((a.size + b.size) / 2 + OBJECT_GAP);
          }
        }
        const [first, second] = objects;
        if (prompt.relation === undefined || first === undefined || second === undefined) return;
        const right = second.centreX - first.centreX;
        const down = second.centreY - first.centreY;
        const along = { 'left of': right, 'right of': -right, above: down, below: -down };
        expect(along[prompt.relation]).toBeGreaterThan(16);
        expect(along[prompt.relation]).toBeGreaterThan(
          1.6 * Math.min(Math.abs(right), Math.abs(down)),
        );
      }),
      { numRuns: 150 },
    );
  });

  it.each(['a red circle', 'four red squares', 'a red circle below a blue square'])(
    'ends even when the generator is stuck: %s',
    (text) => {
      const prompt = parsePrompt(text);
      for (const stuck of [0, 0.5, 0.999]) {
        expect(layOutScene(prompt, () => stuck).objects).toHaveLength(prompt.objects.length);
      }
    },
  );

  it('refuses more objects than fit', () => {
    const { objects, ...prompt } = parsePrompt('four red circles');
    const crowd = { ...prompt, objects: [...objects, objects[0]!] };
    expect(() => layOutScene(crowd, Math.random)).toThrow('1 to 4 objects, not 5');
  });
});

describe('drawScene', () => {
  it('draws an empty scene as ground', () => {
    const { data } = drawScene({ objects: [] });
    expect(pixel(data, 0, 0)).toEqual(GROUND.map(Math.fround));
    expect(pixel(data, 63, 63)).toEqual(GROUND.map(Math.fround));
  });

  it('covers each shape’s area in its colour', () => {
    const areas = { circle: (Math.PI / 4) * 400, square: 400, triangle: 200 };
    for (const shape of ['circle', 'square', 'triangle'] as const) {
      const { data } = drawScene({
        objects: [
          { colour: 'blue', shape, texture: 'solid', centreX: 30.3, centreY: 32.7, size: 20 },
        ],
      });
      expect(pixel(data, 30, 33)).toEqual(SOLID_TONES.blue.map(Math.fround));
      let covered = 0;
      for (let i = 0; i < data.length; i += 3) {
        covered += (GROUND[0] - data[i]!) / (GROUND[0] - SOLID_TONES.blue[0]);
      }
      // 4×4 sub-samples at the edges: within 2 % of the exact area.
      expect(Math.abs(covered / areas[shape] - 1)).toBeLessThan(0.02);
    }
  });

  it('puts the apex of a triangle on top', () => {
    const { data } = drawScene({
      objects: [
        { colour: 'red', shape: 'triangle', texture: 'solid', centreX: 32, centreY: 32, size: 20 },
      ],
    });
    expect(pixel(data, 24, 40)).toEqual(SOLID_TONES.red.map(Math.fround));
    expect(pixel(data, 24, 24)).toEqual(GROUND.map(Math.fround));
    expect(pixel(data, 31, 25)).toEqual(SOLID_TONES.red.map(Math.fround));
  });

  it('aligns textures to the canvas, whatever the object’s place', () => {
    for (const centreX of [30, 32.4, 35.9]) {
      const place = { colour: 'green', shape: 'square', centreX, centreY: 31.3, size: 30 } as const;
      const at = (texture: 'striped' | 'checkered' | 'dotted', x: number, y: number) =>
        pixel(drawScene({ objects: [{ ...place, texture }] }).data, x, y);
      const solid = SOLID_TONES.green.map(Math.fround);
      const light = LIGHT_TONES.green.map(Math.fround);
      expect(at('striped', 32, 27)).toEqual(solid);
      expect(at('striped', 32, 28)).toEqual(light);
      expect(at('checkered', 27, 27)).toEqual(solid);
      expect(at('checkered', 28, 27)).toEqual(light);
      expect(at('checkered', 28, 28)).toEqual(solid);
      expect(at('dotted', 28, 28)).toEqual(light);
      expect(at('dotted', 32, 32)).toEqual(solid);
    }
  });
});

describe('renderScene', () => {
  it('draws the same picture from the same draws', () => {
    for (const prompt of samplePrompts(prompts, 10, seededRandom(5))) {
      const { image, scene } = renderScene(prompt, seededRandom(6));
      expect(renderScene(prompt, seededRandom(6)).image.data).toEqual(image.data);
      expect(drawScene(scene).data).toEqual(image.data);
      expect(renderScene(prompt, seededRandom(7)).image.data).not.toEqual(image.data);
    }
  });
});
