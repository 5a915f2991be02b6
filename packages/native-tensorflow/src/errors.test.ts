import { describeInstallError, NativeTensorflowError } from './errors';

const systemError = (code: string, syscall: string) =>
  Object.assign(new Error(`${code}: …, ${syscall} '/cache/native-tensorflow'`), { code, syscall });

it.each([
  ['EROFS', 'mkdir', 'disk', 'The cache folder /cache cannot be written (EROFS)'],
  ['EACCES', 'mkdir', 'disk', 'The cache folder /cache cannot be written (EACCES)'],
  // What Node says of a folder inside one that is read-only.
  ['ENOENT', 'mkdir', 'disk', 'The cache folder /cache cannot be written (ENOENT)'],
  ['ENOSPC', 'write', 'disk', 'The disk is full'],
  ['ENOENT', 'open', 'load', 'ENOENT: …, open'],
])('%s at %s is an error of kind %s: %s', (code, syscall, kind, message) => {
  const error = describeInstallError(systemError(code, syscall), '/cache');
  expect(error).toBeInstanceOf(NativeTensorflowError);
  expect(error.kind).toBe(kind);
  expect(error.message).toContain(message);
});
