import { openTogether } from './open-together';

function opener() {
  const freed: string[] = [];
  const open = (name: string, dispose = async () => void freed.push(name)) => ({ name, dispose });
  return { freed, open };
}

test('gives what is opened, and frees nothing', async () => {
  const { freed, open } = opener();
  const names = await openTogether(async (keep) => [keep(open('a')), keep(open('b'))]);
  expect(names.map(({ name }) => name)).toEqual(['a', 'b']);
  expect(freed).toEqual([]);
});

test('frees what is open when a later step fails, also where freeing fails', async () => {
  const { freed, open } = opener();
  const failing = openTogether(async (keep) => {
    keep(open('a'));
    keep(open('b', () => Promise.reject(new Error('cannot be freed'))));
    keep(open('c'));
    throw new Error('no file');
  });
  await expect(failing).rejects.toThrow('no file');
  expect(freed).toEqual(['c', 'a']);
});
