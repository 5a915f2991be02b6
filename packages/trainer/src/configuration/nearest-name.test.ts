import { nearestName } from './nearest-name';

describe('nearestName', () => {
  const names = ['prompts', 'rollout', 'update', 'k'];

  test('finds the name that was meant', () => {
    expect(nearestName('promts', names)).toBe('prompts');
    expect(nearestName('Rollouts', names)).toBe('rollout');
    expect(nearestName('sede', ['seed'])).toBe('seed');
  });

  test('says nothing when no name is close', () => {
    expect(nearestName('temperature', names)).toBeUndefined();
    expect(nearestName('x', names)).toBeUndefined();
    expect(nearestName('prompt', [])).toBeUndefined();
  });
});
