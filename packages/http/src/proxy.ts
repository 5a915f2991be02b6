/** Which way a request takes: straight, or through the proxy that the environment names. */
import { isIPv4 } from 'node:net';

import { getProxyForUrl } from 'proxy-from-env';
import type { Dispatcher, ProxyAgent } from 'undici';

/**
 * - `environment`: as HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY say, in capitals or not;
 * - `not-for-loopback`: likewise, but a server on this machine is always asked straight;
 * - `none`: always straight.
 */
export type ProxyUse = 'environment' | 'not-for-loopback' | 'none';

export type Fetch = typeof globalThis.fetch;

export interface Way {
  readonly fetch: Fetch;
  /** What is asked, for messages: origin and proxy, without what is secret in either. */
  readonly where: string;
}

/** @throws {RangeError} when the proxy is one that cannot be used, such as SOCKS */
export async function wayTo(url: URL, use: ProxyUse): Promise<Way> {
  const proxy = proxyFor(url, use);
  const where =
    proxy === undefined ? url.origin : `${url.origin} (through the proxy ${proxy.origin})`;
  return { fetch: namesProxy(use) ? await proxyFetch(use) : globalThis.fetch, where };
}

function proxyFor(url: URL, use: ProxyUse): URL | undefined {
  if (use === 'none' || (use === 'not-for-loopback' && isLoopback(url.hostname))) return undefined;
  const text = getProxyForUrl(url.href);
  if (text === '') return undefined;
  const proxy = URL.canParse(text) ? new URL(text) : undefined;
  if (proxy === undefined || !['http:', 'https:'].includes(proxy.protocol)) {
    throw new RangeError(
      `The proxy for ${url.origin}, ${proxy === undefined ? 'as the environment names it' : `${proxy.protocol}//${proxy.host}`}, cannot be used; ` +
        'set HTTP_PROXY or HTTPS_PROXY to one that begins with http:// or https://, or NO_PROXY to go without.',
    );
  }
  return proxy;
}

/** Whether only this machine answers there. */
function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname === '[::1]' ||
    (isIPv4(hostname) && hostname.startsWith('127.'))
  );
}

const VARIABLES = ['http_proxy', 'https_proxy', 'all_proxy'];

function namesProxy(use: ProxyUse): boolean {
  const isSet = (name: string) => (process.env[name] ?? '') !== '';
  return use !== 'none' && VARIABLES.some((name) => isSet(name) || isSet(name.toUpperCase()));
}

const fetches = new Map<ProxyUse, Promise<Fetch>>();

/** Node's own fetch of before version 24 knows no proxies; undici, which is what it is made of, does. */
function proxyFetch(use: ProxyUse): Promise<Fetch> {
  const known = fetches.get(use);
  if (known !== undefined) return known;
  const made = makeProxyFetch(use);
  fetches.set(use, made);
  return made;
}

async function makeProxyFetch(use: ProxyUse): Promise<Fetch> {
  const { Agent, Dispatcher, fetch, ProxyAgent } = await import('undici');
  const straight = new Agent();
  const agents = new Map<string, ProxyAgent>();
  const agentFor = (proxy: URL): ProxyAgent => {
    const known = agents.get(proxy.href);
    if (known !== undefined) return known;
    // Without a tunnel for plain http, as RFC 9112 (3.2.2) has it: many proxies open one to port 443 alone.
    const agent = new ProxyAgent({ uri: proxy.href, proxyTunnel: false });
    agents.set(proxy.href, agent);
    return agent;
  };
  /** undici's EnvHttpProxyAgent does the same, and warns on stderr that it is experimental. */
  class ByEnvironment extends Dispatcher {
    // For each hop anew: a redirection may lead from an address with a proxy to one without.
    override dispatch(
      options: Dispatcher.DispatchOptions,
      handler: Dispatcher.DispatchHandlers,
    ): boolean {
      const proxy = proxyFor(new URL(String(options.origin)), use);
      return (proxy === undefined ? straight : agentFor(proxy)).dispatch(options, handler);
    }
  }
  const dispatcher = new ByEnvironment();
  return ((input: string, init: object) =>
    fetch(input, { ...init, dispatcher })) as unknown as Fetch;
}
