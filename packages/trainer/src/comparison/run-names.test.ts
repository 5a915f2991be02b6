import { UserError } from '../user-error';
import { runNames } from './run-names';

test.each([
  [
    ['runs/a', 'runs/b/'],
    ['a', 'b'],
  ],
  [
    ['first/runs/demo', 'second/runs/demo', 'runs/other'],
    ['first/runs/demo', 'second/runs/demo', 'other'],
  ],
  [
    ['/a/b', '/x/a/b'],
    ['/a/b', 'x/a/b'],
  ],
  [['runs/odd\nname'], ['odd name']],
])('%j', (folders, names) => {
  expect(runNames(folders)).toEqual(names);
});

test('refuses a folder that is given twice, however it is written', () => {
  expect(() => runNames(['runs/a', './runs/a/'])).toThrow(UserError);
  expect(() => runNames(['runs/a', './runs/a/'])).toThrow("'runs/a' is given twice");
});
