import { createHttpClient, type HttpClientOptions } from './client';
import { startProxy } from './testing/proxy';
import { startServer } from './testing/server';

const NAMES = ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'].flatMap((name) => [
  name,
  name.toUpperCase(),
]);
const before = NAMES.map((name) => [name, process.env[name]] as const);
const closing: (() => Promise<void>)[] = [];

function setEnvironment(variables: Readonly<Record<string, string>>): void {
  for (const name of NAMES) Reflect.deleteProperty(process.env, name);
  Object.assign(process.env, variables);
}

beforeEach(() => setEnvironment({}));
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});
afterAll(() => {
  for (const [name, value] of before) {
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
  }
});

async function start(refuse?: number) {
  const proxy = await startProxy(refuse);
  const server = await startServer((response, { path }) => {
    if (path === '/away') response.writeHead(302, { location: 'http://away.invalid' }).end();
    else response.end('good');
  });
  closing.push(proxy.close, server.close);
  const get = (url: string, options: HttpClientOptions = {}) =>
    createHttpClient({ attempts: 1, random: () => 0, ...options }).request(
      { url, redirect: 'follow' },
      (answer) => answer.text(),
    );
  return { proxy, server, get, port: new URL(server.url).port };
}

it('asks the proxy that the environment names, which alone knows the server', async () => {
  const { proxy, server, get, port } = await start();
  setEnvironment({ HTTP_PROXY: proxy.url });
  expect(await get(`http://server.invalid:${port}/a?b=c`)).toBe('good');
  expect(proxy.passed).toEqual([`GET http://server.invalid:${port}/a?b=c`]);
  expect(server.asked).toMatchObject([
    { path: '/a?b=c', headers: { host: `server.invalid:${port}` } },
  ]);
});

it('asks for a tunnel where the server speaks TLS', async () => {
  const { proxy, get, port } = await start();
  setEnvironment({ https_proxy: proxy.url });
  // The server speaks none: it is enough that it was asked through the proxy.
  await expect(get(`https://server.invalid:${port}`)).rejects.toMatchObject({ name: 'HttpError' });
  expect(proxy.passed).toEqual([`CONNECT server.invalid:${port}`]);
});

it.each(['127.0.0.1', '*', 'other.org, 127.0.0.1'])(
  'asks loopback straight where NO_PROXY is %s',
  async (excepted) => {
    const { proxy, server, get } = await start();
    setEnvironment({ http_proxy: proxy.url, no_proxy: excepted });
    expect(await get(server.url)).toBe('good');
    expect(proxy.passed).toEqual([]);
  },
);

it('asks loopback through the proxy, or straight, as the client wishes', async () => {
  const { proxy, server, get } = await start();
  setEnvironment({ HTTP_PROXY: proxy.url });
  expect(await get(server.url, { proxies: 'not-for-loopback' })).toBe('good');
  expect(await get(server.url, { proxies: 'none' })).toBe('good');
  expect(proxy.passed).toEqual([]);
  expect(await get(server.url)).toBe('good');
  expect(proxy.passed).toEqual([`GET ${server.url}/`]);
});

it('chooses the way for each hop of a redirection', async () => {
  const { proxy, server, get } = await start(502);
  setEnvironment({ HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1' });
  await expect(get(`${server.url}/away`)).rejects.toMatchObject({ kind: 'status', status: 502 });
  expect(server.asked).toHaveLength(1);
  expect(proxy.passed).toEqual(['GET http://away.invalid/']);
});

it('names the proxy where it fails, without its password', async () => {
  const { proxy, get } = await start(407);
  const { host } = new URL(proxy.url);
  setEnvironment({ HTTP_PROXY: `http://me:secret@${host}`, HTTPS_PROXY: 'http://127.0.0.1:9' });
  for (const [url, error] of [
    ['http://server.invalid', { kind: 'proxy', retryable: false }],
    ['https://server.invalid', { kind: 'refused', retryable: true }],
  ] as const) {
    await expect(get(url)).rejects.toMatchObject(error);
  }
  await expect(get('http://server.invalid')).rejects.toThrow(
    `No answer from http://server.invalid (through the proxy ${proxy.url}): the proxy answers 407.`,
  );
  setEnvironment({ HTTPS_PROXY: proxy.url });
  await expect(get('https://server.invalid')).rejects.toMatchObject({ kind: 'proxy' });
  expect(proxy.passed.at(-1)).toBe('CONNECT server.invalid:443');
});

it('says which proxies it cannot use', async () => {
  const { get } = await start();
  setEnvironment({ ALL_PROXY: 'socks5://127.0.0.1:1080' });
  await expect(get('http://server.invalid')).rejects.toThrow(
    'socks5://127.0.0.1:1080, cannot be used; set HTTP_PROXY',
  );
});
