/** Where the hub is, who asks, and where its files are kept: from the variables that Python's huggingface_hub reads. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { diskError, systemErrorCode } from './disk';
import { HubError } from './hub-error';

export interface HubSettings {
  /** Without a slash at its end. */
  readonly endpoint: string;
  readonly token: string | undefined;
  /** Where the token is from, for messages. */
  readonly tokenSource: string | undefined;
  readonly cacheFolder: string;
  /** Nothing may be fetched. */
  readonly offline: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * @throws HubError when the endpoint is no URL, or the token cannot be read or sent; the message does not hold the token
 */
export function hubSettings(environment: Environment = process.env): HubSettings {
  const first = (...names: string[]): string | undefined =>
    names.map((name) => environment[name]).find((value) => value !== undefined && value !== '');
  const path = (...names: string[]): string | undefined => {
    const value = first(...names);
    return value === undefined ? undefined : expand(value, environment);
  };
  const isOn = (...names: string[]): boolean => /^(1|on|yes|true)$/i.test(first(...names) ?? '');

  const home =
    path('HF_HOME') ?? join(path('XDG_CACHE_HOME') ?? join(homedir(), '.cache'), 'huggingface');
  const fromEnvironment = first('HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN')?.trim();
  const tokenFile = path('HF_TOKEN_PATH') ?? join(home, 'token');
  const tokenSource = fromEnvironment ? 'HF_TOKEN' : `'${tokenFile}'`;
  const token = isOn('HF_HUB_DISABLE_IMPLICIT_TOKEN')
    ? undefined
    : fromEnvironment || readToken(tokenFile);
  // A header cannot hold others, and what refuses them would show the whole token.
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    throw new HubError(`The token from ${tokenSource} holds letters that no token has`);
  }
  return {
    endpoint: endpointFrom(first('HF_ENDPOINT') ?? 'https://huggingface.co'),
    token,
    tokenSource: token === undefined ? undefined : tokenSource,
    cacheFolder: path('HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE') ?? join(home, 'hub'),
    offline: isOn('HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE'),
  };
}

/** `~`, `$NAME` and `${NAME}`, of which a variable that is not set stays as it is. */
function expand(path: string, environment: Environment): string {
  return path
    .replace(/^~(?=$|[/\\])/, () => homedir())
    .replace(/\$(?:(\w+)|\{([^}]*)\})/g, (whole, plain?: string, braced?: string) => {
      return environment[plain ?? braced ?? ''] ?? whole;
    });
}

function readToken(path: string): string | undefined {
  try {
    const token = readFileSync(path, 'utf8').trim();
    return token === '' ? undefined : token;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) return undefined;
    throw diskError(error, 'read the token', path);
  }
}

function endpointFrom(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (
    url === undefined ||
    !['http:', 'https:'].includes(url.protocol) ||
    url.username + url.password + url.search + url.hash !== ''
  ) {
    throw new HubError(
      'HF_ENDPOINT is not the address of a hub; expected such as https://huggingface.co',
    );
  }
  return url.href.replace(/\/+$/, '');
}
