import { addNoise, blur, flatImage, render, seededRandom } from '../testing/images';
import { CANVAS_SIZE, COLOURS } from './palette';
import { FAMILIES, parsePrompt } from './prompt';
import { allPrompts, samplePrompts } from './prompt-sets';
import { drawScene, type PlacedObject, renderScene } from './renderer';
import { scoreScene } from './score-scene';

const prompts = allPrompts();
const everyFamily = FAMILIES.map((family) => prompts.filter((prompt) => prompt.family === family));

const someOfAll = prompts.filter((_, index) => index % 25 === 0);

/** Mean score of pictures of one prompt when another one was asked for. */
function scoreOf(shown: string, asked: string): number {
  const random = seededRandom(11);
  const count = 10;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += scoreScene(render(shown, random), asked).value;
  return sum / count;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function place(object: Partial<PlacedObject>): PlacedObject {
  return {
    colour: 'red',
    shape: 'circle',
    texture: 'solid',
    centreX: 32,
    centreY: 32,
    size: 24,
    ...object,
  };
}

describe('a clean render', () => {
  it('scores exactly 1, every prompt of the world', () => {
    const random = seededRandom(1);
    for (const prompt of prompts) {
      const { value, components } = scoreScene(renderScene(prompt, random).image, prompt.text);
      if (value !== 1) throw new Error(`${prompt.text}: ${value} ${JSON.stringify(components)}`);
    }
  });

  it('scores exactly 1 over many layouts of every family', () => {
    const random = seededRandom(2);
    for (const family of everyFamily) {
      for (const prompt of samplePrompts(family, 80, random)) {
        expect(scoreScene(renderScene(prompt, random).image, prompt).value).toBe(1);
      }
    }
  });

  it('scores exactly 1 with textured pairs and groups too', () => {
    const random = seededRandom(3);
    for (const text of [
      'a striped red circle and a dotted blue square',
      'a checkered yellow square left of a striped orange circle',
      'three striped purple squares',
    ]) {
      for (let i = 0; i < 40; i++) expect(scoreScene(render(text, random), text).value).toBe(1);
    }
  });

  it('scores exactly 1 as bytes', () => {
    const random = seededRandom(4);
    for (const prompt of samplePrompts(prompts, 100, random)) {
      const { image } = renderScene(prompt, random);
      const data = Uint8Array.from(image.data, (value) => Math.round(value * 255));
      expect(scoreScene({ ...image, data }, prompt.text).value).toBe(1);
    }
  });
});

describe('a wrong picture', () => {
  it.each([
    // Wrong colour: something of the right shape is there.
    ['a red circle', 'a blue circle', 0.15],
    ['an orange circle', 'a red circle', 0.15],
    ['an orange circle', 'a yellow circle', 0.15],
    ['three red circles', 'three green circles', 0.15],
    // Wrong shape: the colour is there.
    ['a red circle', 'a red square', 0.2],
    ['a red circle', 'a red triangle', 0.2],
    ['three green squares', 'three green circles', 0.2],
    // Wrong texture.
    ['a red circle', 'a striped red circle', 0.45],
    ['a striped red circle', 'a red circle', 0.45],
    ['a striped red circle', 'a dotted red circle', 0.45],
    ['a dotted red circle', 'a checkered red circle', 0.45],
    // Wrong count: (smaller / larger)².
    ['three green circles', 'two green circles', 4 / 9],
    ['two green circles', 'three green circles', 4 / 9],
    ['four green circles', 'three green circles', 9 / 16],
    ['two green circles', 'four green circles', 1 / 4],
    ['two green circles', 'a green circle', 1 / 4],
    // Missing and additional objects.
    ['a red circle', 'a red circle and a blue square', 1 / 4],
    ['a red circle and a blue square', 'a red circle', 1 / 4],
    ['a red circle and a yellow triangle', 'a red circle and a blue square', 1 / 2],
    // Swapped colours.
    ['a red circle and a blue square', 'a blue circle and a red square', 0.2],
  ])('"%s" for "%s" scores %f', (shown, asked, expected) => {
    expect(scoreOf(shown, asked)).toBeCloseTo(expected, 9);
  });

  it('with swapped colours and so the wrong relation scores next to nothing', () => {
    const value = scoreOf(
      'a blue circle left of a red square',
      'a red circle left of a blue square',
    );
    expect(value).toBeGreaterThanOrEqual(0.05);
    expect(value).toBeLessThan(0.06);
  });

  it.each(['right of', 'above', 'below'])(
    'a relation that is "%s" scores at most 0.35',
    (wrong) => {
      const value = scoreOf(
        `a red circle ${wrong} a blue square`,
        'a red circle left of a blue square',
      );
      expect(value).toBeGreaterThanOrEqual(0.25);
      expect(value).toBeLessThanOrEqual(0.35);
    },
  );

  it('of another prompt scores low on average', () => {
    const random = seededRandom(6);
    const drawn = samplePrompts(prompts, 300, random);
    const values = drawn.map((prompt, index) => {
      const other = drawn[(index + 7) % drawn.length]!;
      return scoreScene(renderScene(other, random).image, prompt.text).value;
    });
    expect(mean(values)).toBeLessThan(0.12);
  });
});

describe('a picture of nothing', () => {
  it.each([
    ['black', 0, 0, 0],
    ['white', 1, 1, 1],
    ['ground', 0.9, 0.9, 0.9],
    ['grey', 0.5, 0.5, 0.5],
    ['all red', 0.84, 0.12, 0.18],
    ['all yellow', 0.98, 0.84, 0.12],
  ])('%s scores 0 whatever the prompt', (_, red, green, blue) => {
    const image = flatImage(red, green, blue);
    for (const prompt of someOfAll) expect(scoreScene(image, prompt).value).toBe(0);
  });

  it('noise scores 0', () => {
    const random = seededRandom(8);
    for (let i = 0; i < 10; i++) {
      const { width, height, data } = flatImage(0.5, 0.5, 0.5);
      const uniform = { width, height, data: Float32Array.from(data, random) };
      const normal = addNoise(flatImage(0.5, 0.5, 0.5), 0.5, random);
      for (const prompt of samplePrompts(prompts, 10, random)) {
        expect(scoreScene(uniform, prompt).value).toBe(0);
        expect(scoreScene(normal, prompt).value).toBe(0);
      }
    }
  });

  it('smooth blotches of colour score next to nothing', () => {
    const random = seededRandom(9);
    for (let i = 0; i < 12; i++) {
      const blotches = blur(addNoise(flatImage(0.5, 0.5, 0.5), 3, random), 2 + (i % 4));
      for (const prompt of samplePrompts(prompts, 10, random)) {
        expect(scoreScene(blotches, prompt).value).toBeLessThan(0.1);
      }
    }
  });
});

describe('a degraded render', () => {
  function degradedMean(sigmaBlur: number, sigmaNoise: number): number {
    const random = seededRandom(10);
    return mean(
      samplePrompts(prompts, 30, random).map((prompt) => {
        const image = blur(renderScene(prompt, random).image, sigmaBlur);
        return scoreScene(addNoise(image, sigmaNoise, random), prompt).value;
      }),
    );
  }

  it('as soft as a decoded latent still scores at least 0.98, each one', () => {
    const random = seededRandom(12);
    for (const prompt of samplePrompts(prompts, 100, random)) {
      const soft = addNoise(blur(renderScene(prompt, random).image, 0.6), 0.02, random);
      expect(scoreScene(soft, prompt).value).toBeGreaterThanOrEqual(0.98);
    }
  });

  it('loses with every step of blur, on average', () => {
    const means = [0, 1, 1.5, 2, 3, 4].map((sigma) => degradedMean(sigma, 0));
    expect(means[0]).toBe(1);
    for (const [i, value] of means.entries()) if (i > 0) expect(value).toBeLessThan(means[i - 1]!);
    expect(means.at(-1)).toBeLessThan(0.4);
  });

  it('loses with every step of noise, on average', () => {
    const means = [0, 0.08, 0.12, 0.16, 0.25].map((sigma) => degradedMean(0, sigma));
    for (const [i, value] of means.entries()) if (i > 0) expect(value).toBeLessThan(means[i - 1]!);
    expect(means.at(-1)).toBeLessThan(0.01);
  });
});

describe('partial credit', () => {
  it('rises smoothly as a circle turns into a square', () => {
    const values: number[] = [];
    for (let step = 0; step <= 20; step++) {
      const roundness = 2 + (step / 20) ** 3 * 30;
      const { data } = drawScene({ objects: [] });
      for (let y = 0; y < CANVAS_SIZE; y++) {
        for (let x = 0; x < CANVAS_SIZE; x++) {
          const fill =
            Math.abs((x - 31.7) / 12) ** roundness + Math.abs((y - 31.2) / 12) ** roundness;
          if (fill <= 1) data.set([215 / 255, 30 / 255, 45 / 255], (y * CANVAS_SIZE + x) * 3);
        }
      }
      const image = { width: CANVAS_SIZE, height: CANVAS_SIZE, data };
      values.push(scoreScene(image, 'a red square').value);
    }
    expect(values[0]).toBeCloseTo(0.2, 9);
    expect(values.at(-1)).toBe(1);
    const between = values.filter((value) => value > 0.2 && value < 1);
    expect(between.length).toBeGreaterThanOrEqual(4);
    for (const [i, value] of values.entries()) {
      // Whole pixels come and go, so a hair's breadth of the rise may be lost again.
      if (i > 0) expect(value).toBeGreaterThan(values[i - 1]! - 0.02);
    }
  });

  it('falls as an additional object grows', () => {
    const values = [0, 4, 6, 8, 10, 14].map((size) => {
      const extra = size === 0 ? [] : [place({ colour: 'blue', centreX: 54, centreY: 54, size })];
      return scoreScene(drawScene({ objects: [place({}), ...extra] }), 'a red circle').value;
    });
    expect(values[0]).toBe(1);
    expect(values.at(-1)).toBe(0.25);
    for (const [i, value] of values.entries()) {
      if (i > 0) expect(value).toBeLessThanOrEqual(values[i - 1]!);
    }
  });

  it('falls as a colour drifts to its neighbour', () => {
    const { data } = render('an orange square', seededRandom(3));
    const values = [0, 0.25, 0.5, 0.75, 1].map((drift) => {
      const drifted = data.slice();
      for (let i = 0; i < drifted.length; i += 3) {
        // Orange (245, 125, 20) towards red (215, 30, 45), the ground left alone.
        if (Math.abs(drifted[i + 2]! - 20 / 255) > 0.01) continue;
        drifted[i] = (245 - 30 * drift) / 255;
        drifted[i + 1] = (125 - 95 * drift) / 255;
        drifted[i + 2] = (20 + 25 * drift) / 255;
      }
      return scoreScene({ width: 64, height: 64, data: drifted }, 'an orange square').value;
    });
    expect(values[0]).toBe(1);
    expect(values[2]).toBeLessThan(0.7);
    for (const [i, value] of values.entries()) {
      if (i > 0) expect(value).toBeLessThanOrEqual(values[i - 1]!);
    }
  });

  it('is not for clutter, giants or cut-off shapes', () => {
    const clean = drawScene({ objects: [place({})] });
    const cluttered = { ...clean, data: clean.data.slice() };
    // A black bar along the bottom, which is no object of this world.
    cluttered.data.fill(0, 56 * CANVAS_SIZE * 3);
    expect(scoreScene(cluttered, 'a red circle').value).toBeLessThan(0.6);

    const giant = drawScene({ objects: [place({ shape: 'square', size: 60 })] });
    expect(scoreScene(giant, 'a red square').value).toBeLessThan(0.01);

    const cutOff = drawScene({ objects: [place({ centreX: 0 })] });
    expect(scoreScene(cutOff, 'a red circle').value).toBeLessThan(0.6);
  });

  it('reports each aspect between 0 and 1', () => {
    const { value, components } = scoreScene(
      render('a red circle above a blue square', seededRandom(5)),
      'a red circle left of a green square',
    );
    expect(Object.keys(components).sort()).toEqual([
      'colour',
      'count',
      'ground',
      'objects',
      'relation',
      'shape',
      'texture',
    ]);
    expect(components['colour']).toBe(0.5);
    expect(components['count']).toBe(1);
    expect(value).toBeCloseTo(components['objects']! * components['relation']!, 12);
  });
});

describe('input', () => {
  it('of another size, or with holes, is refused', () => {
    const image = { width: 32, height: 32, data: new Float32Array(32 * 32 * 3) };
    expect(() => scoreScene(image, 'a red circle')).toThrow('32×32 with 3072 values');
    const holed = flatImage(1, 1, 1);
    holed.data[5] = NaN;
    expect(() => scoreScene(holed, 'a red circle')).toThrow('index 5 is NaN');
    expect(() => scoreScene(flatImage(1, 1, 1), 'a cat')).toThrow('Cannot read the prompt');
  });

  it('leaves no trace in the next reading', () => {
    const first = render('a red circle', seededRandom(1));
    scoreScene(render('four blue squares', seededRandom(2)), 'a red circle');
    expect(scoreScene(first, 'a red circle').value).toBe(1);
  });

  it('takes a parsed prompt as well', () => {
    for (const colour of COLOURS) {
      const prompt = parsePrompt(`a ${colour} square`);
      expect(scoreScene(renderScene(prompt, seededRandom(1)).image, prompt).value).toBe(1);
    }
  });
});
