import { editDistance, nearestName } from './nearest-name';

describe('editDistance', () => {
  test.each([
    ['', '', 0],
    ['abc', '', 3],
    ['kitten', 'sitting', 3],
    ['promts', 'prompts', 1],
    ['seed', 'sede', 1],
    ['ca', 'abc', 3],
  ])('%s → %s is %i', (left, right, distance) => {
    expect(editDistance(left, right)).toBe(distance);
    expect(editDistance(right, left)).toBe(distance);
  });
});

describe('nearestName', () => {
  const names = ['prompts', 'rollout', 'update', 'k'];

  test('finds the name that was meant', () => {
    expect(nearestName('promts', names)).toBe('prompts');
    expect(nearestName('Rollouts', names)).toBe('rollout');
  });

  test('says nothing when no name is close', () => {
    expect(nearestName('temperature', names)).toBeUndefined();
    expect(nearestName('x', names)).toBeUndefined();
    expect(nearestName('prompt', [])).toBeUndefined();
  });
});
