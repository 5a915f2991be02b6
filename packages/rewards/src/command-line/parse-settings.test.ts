import { parseSettings } from './parse-settings';

it('gives each reward its settings, with values as JSON or text', () => {
  const names = ['clip', './my.rewards/a=b.mjs#best', './my.rewards/a=b.mjs#best.too'];
  const sets = [
    'clip.model=/models/v1.2=final',
    'clip.size=224',
    'clip.exact=true',
    'clip.note=',
    'clip.list=[1,2]',
    './my.rewards/a=b.mjs#best.key=1',
    './my.rewards/a=b.mjs#best.too.key=two',
  ];
  expect(parseSettings(names, sets)).toEqual([
    {
      name: 'clip',
      settings: { model: '/models/v1.2=final', size: 224, exact: true, note: '', list: [1, 2] },
    },
    { name: names[1], settings: { key: 1 } },
    { name: names[2], settings: { key: 'two' } },
  ]);
  expect(parseSettings(['clip'], [])).toEqual([{ name: 'clip', settings: {} }]);
});

it.each([
  [['clip', 'clip'], [], 'named twice'],
  [
    ['clip'],
    ['clap.model=x'],
    'starts with no reward; expected NAME.key=value, where NAME is clip',
  ],
  [['clip'], ['clip.model'], 'expected clip.key=value'],
  [['clip'], ['clip.=x'], 'expected clip.key=value'],
  [['clip'], ['clip.a=1', 'clip.a=2'], 'clip.a is set twice'],
])('refuses %j with %j', (names, sets, message) => {
  expect(() => parseSettings(names, sets)).toThrow(message);
});
