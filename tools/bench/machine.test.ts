import { instructionSetsOf } from './machine';

test('instruction sets are read by their whole names, of the first processor', () => {
  const cpuInfo = [
    'processor\t: 0',
    'model name\t: Example processor',
    'flags\t\t: fpu avx avx2 avx512f avx512_bf16_not amx_tile',
    '',
    'processor\t: 1',
    'flags\t\t: amx_bf16',
  ].join('\n');
  expect(instructionSetsOf(cpuInfo)).toEqual(['avx2', 'avx512f']);
});

test('a system that tells of none has none', () => {
  expect(instructionSetsOf('')).toEqual([]);
  expect(instructionSetsOf('Features\t: fp asimd')).toEqual([]);
});
