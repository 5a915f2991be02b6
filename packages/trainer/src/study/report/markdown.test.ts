import { reportMarkdown } from './markdown';

test('names that look like Markdown are texts', () => {
  const text = reportMarkdown(
    {
      title: '# a [b](http://c)',
      notes: ['![t](http://evil/x.png)\n\n# Heading'],
      tables: [
        {
          title: 'T',
          about: 'A',
          rows: [
            ['a|b', 'c'],
            ['`d`', '<i>'],
          ],
        },
      ],
      command: 'study `x`\n.yaml',
    },
    [],
  );
  expect(text).toContain('# \\# a [b\\](http://c)');
  expect(text).toContain('\\![t\\](http://evil/x.png) \\# Heading');
  expect(text).toContain('| a\\|b | c |');
  expect(text).toContain('| \\`d\\` | \\<i> |'.replace('>', '\\>'));
  expect(text).toContain('Made by `study x .yaml`.');
});
