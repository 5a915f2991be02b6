import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { cacheFolder } from './cache';

const home = join(userInfo().homedir, '.cache', 'loop-diffusion');

it.each([
  [{ LOOP_DIFFUSION_CACHE: '/own', XDG_CACHE_HOME: '/shared' }, '/own'],
  [{ LOOP_DIFFUSION_CACHE: 'own' }, resolve('own')],
  [{ LOOP_DIFFUSION_CACHE: '', XDG_CACHE_HOME: '/shared' }, '/shared/loop-diffusion'],
  [{ XDG_CACHE_HOME: 'not/absolute', HOME: '/home/x' }, '/home/x/.cache/loop-diffusion'],
  [{ HOME: '/home/x' }, '/home/x/.cache/loop-diffusion'],
  [{ HOME: '' }, home],
  [{}, home],
])('%j: %s', (environment, expected) => {
  expect(cacheFolder(environment)).toBe(expected);
});
