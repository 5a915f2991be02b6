import { assertAccess, isLoopback, tokenCheck } from './access';

const TOKEN = 'a-token-of-20-chars!';

it.each(['127.0.0.1', '127.8.9.10', 'localhost', '::1', '[::1]', 'LocalHost'])(
  '%s is this machine alone',
  (host) => expect(isLoopback(host)).toBe(true),
);

it.each(['0.0.0.0', '::', '192.168.1.2', '127.example.org', 'localhost.example.org', ''])(
  '%j is not',
  (host) => expect(isLoopback(host)).toBe(false),
);

it('asks for a token where others can reach the server', () => {
  expect(() => assertAccess('127.0.0.1', undefined)).not.toThrow();
  expect(() => assertAccess('0.0.0.0', TOKEN)).not.toThrow();
  expect(() => assertAccess('0.0.0.0', undefined)).toThrow('needs a token');
});

it('refuses tokens that are short or fit no header', () => {
  expect(() => assertAccess('127.0.0.1', 'x'.repeat(15))).toThrow(
    '15 characters; expected at least 16',
  );
  expect(() => assertAccess('127.0.0.1', `${TOKEN}\n`)).toThrow('visible ASCII');
});

it('knows the token', () => {
  const check = tokenCheck(TOKEN);
  expect(check(`Bearer ${TOKEN}`)).toBe(true);
  expect(check(`bearer ${TOKEN}`)).toBe(true);
  for (const wrong of [undefined, '', TOKEN, 'Bearer', `Bearer ${TOKEN}x`, `Basic ${TOKEN}`]) {
    expect(check(wrong)).toBe(false);
  }
});
