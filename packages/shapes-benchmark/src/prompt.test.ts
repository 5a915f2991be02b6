import { countPrompt, pairPrompt, parsePrompt, PromptSyntaxError } from './prompt';
import { allPrompts } from './prompt-sets';

describe('parsePrompt', () => {
  it('reads every prompt of the world back', () => {
    for (const prompt of allPrompts()) expect(parsePrompt(prompt.text)).toEqual(prompt);
  });

  it.each([
    ['a red circle', 'shape', 1],
    ['a red circle and a red triangle', 'shape', 2],
    ['a red circle and a blue circle', 'colour', 2],
    ['a striped red circle', 'texture', 1],
    ['a striped red circle and a dotted blue square', 'texture', 2],
    ['an orange circle left of a blue square', 'spatial', 2],
    ['four green triangles', 'numeracy', 4],
    ['two checkered purple squares', 'numeracy', 2],
  ])('sorts "%s" into the family %s', (text, family, count) => {
    const prompt = parsePrompt(text);
    expect(prompt.family).toBe(family);
    expect(prompt.objects).toHaveLength(count);
    expect(prompt.text).toBe(text);
  });

  it('forgives case, spaces and the wrong article', () => {
    expect(parsePrompt('  A Orange  circle ').text).toBe('an orange circle');
  });

  it.each([
    ['', 'it is empty'],
    ['a pink circle', '"pink" is not a known colour'],
    ['a red hexagon', '"hexagon" is not a known shape'],
    ['a furry red circle', '"furry red circle" is not [texture] colour shape'],
    ['a solid red circle', '"solid" is what an object is'],
    ['red circle', 'does not begin with "a" or "an"'],
    ['two red circle', 'after "two" the shape is a plural'],
    ['five red circles', 'does not begin with "a" or "an"'],
    ['a red circle and a red circle', 'say "two red circles"'],
    ['a red circle left of a red square', 'different colours'],
    ['a red circle and a blue circle and a green circle', 'joins exactly two objects'],
    ['a red circle beside a blue square', '"red circle beside a blue square" is not'],
  ])('refuses "%s" and shows the grammar', (text, problem) => {
    const parse = () => parsePrompt(text);
    expect(parse).toThrow(PromptSyntaxError);
    expect(parse).toThrow(problem);
    expect(parse).toThrow('relation = "left of"');
  });
});

describe('prompt builders', () => {
  const circle = { colour: 'red', shape: 'circle', texture: 'solid' } as const;

  it('refuse what the grammar cannot say', () => {
    expect(() => countPrompt(5, circle)).toThrow('2, 3 or 4');
    expect(() => countPrompt(1, circle)).toThrow('2, 3 or 4');
    expect(() => pairPrompt(circle, circle)).toThrow('two red circles');
  });
});
