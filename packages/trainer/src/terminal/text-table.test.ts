import { textTable } from './text-table';

test('names are flush left, figures flush right, and nothing trails', () => {
  expect(
    textTable([
      ['', 'one', 'two'],
      ['reward', '1', ''],
    ]),
  ).toEqual(['        one  two', 'reward    1']);
  expect(textTable([])).toEqual([]);
});
