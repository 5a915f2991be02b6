/** A small hub on this machine's loopback, for tests: one model, with its large files on a second server as on a CDN. */
import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';

import { startLoopbackServer, type LoopbackRequest, type LoopbackServer } from './loopback-server';

export const COMMIT = '0123456789abcdef0123456789abcdef01234567';
export const NAME = 'owner/name';

export interface HubServer {
  readonly url: string;
  readonly requests: LoopbackServer['requests'];
  readonly cdnRequests: LoopbackServer['requests'];
  /** By path; may be changed at any time. */
  readonly files: Map<string, Buffer>;
  /** By name; `main` stands at {@link COMMIT}. */
  readonly revisions: Map<string, string>;
  /** Listed beside the files, as they are. */
  readonly extraEntries: unknown[];
  /** Answers instead of the hub or the CDN where it returns true. */
  intercept: (request: LoopbackRequest, response: ServerResponse) => boolean;
  /** Paths of files that were asked for, in order. */
  fetched(): string[];
  close(): Promise<void>;
}

export const isWeights = (path: string): boolean => path.endsWith('.safetensors');

/** What the hub calls a file. */
export function etagOf(path: string, content: Buffer): string {
  return isWeights(path)
    ? createHash('sha256').update(content).digest('hex')
    : createHash('sha1')
        .update(`blob ${String(content.length)}\0`)
        .update(content)
        .digest('hex');
}

/** Answers with an error as the hub does. */
export function refuse(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>> = {},
): true {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
  response.end(JSON.stringify({ error: 'no' }));
  return true;
}

/** Sends the part that the request asks for. */
export function sendContent(
  request: LoopbackRequest,
  response: ServerResponse,
  content: Buffer,
  headers: Readonly<Record<string, string>> = {},
): void {
  const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const part = content.subarray(start);
  response.writeHead(start > 0 ? 206 : 200, {
    ...headers,
    'Content-Length': String(part.length),
    ...(start > 0 && {
      'Content-Range': `bytes ${String(start)}-${String(content.length - 1)}/${String(content.length)}`,
    }),
  });
  response.end(part);
}

/** @param files of the model, by path; those that end in `.safetensors` are on the CDN */
export async function startHubServer(
  files: Readonly<Record<string, string | Buffer>>,
): Promise<HubServer> {
  const contents = new Map(
    Object.entries(files).map(([path, content]) => [path, Buffer.from(content)]),
  );
  const revisions = new Map([['main', COMMIT]]);
  const extraEntries: unknown[] = [];
  const commitOf = (revision: string) =>
    revisions.get(revision) ?? [...revisions.values()].find((commit) => commit === revision);

  function entries(): unknown[] {
    const listed = [...contents].map(([path, content]) => {
      const size = content.length;
      const oid = etagOf(path, content);
      const pointer = 'f'.repeat(40);
      return isWeights(path)
        ? { type: 'file', path, size, oid: pointer, lfs: { oid, size, pointerSize: 130 } }
        : { type: 'file', path, size, oid };
    });
    return [{ type: 'directory', path: 'unet', size: 0, oid: '0'.repeat(40) }, ...listed, ...extraEntries];
  } // prettier-ignore

  function answer(request: LoopbackRequest, response: ServerResponse): unknown {
    if (hub.intercept(request, response)) return undefined;
    const [path = ''] = request.path.split('?');
    const parts = /^\/(api\/models\/|(?:api\/)?datasets\/)?owner\/name\/(revision|tree|resolve)\/([^/]+)\/?(.*)$/.exec(path);
    if (parts === null) return refuse(response, 404, { 'X-Error-Code': 'RepoNotFound' });
    const [, , kind, revision = '', file = ''] = parts;
    const commit = commitOf(decodeURIComponent(revision));
    if (commit === undefined) {
      return refuse(response, 404, { 'X-Error-Code': 'RevisionNotFound' });
    }
    const json = (value: unknown) =>
      response
        .writeHead(200, { 'Content-Type': 'application/json' })
        .end(JSON.stringify(value));
    if (kind === 'revision') {
      const siblings = [...contents.keys()].map((rfilename) => ({ rfilename }));
      return json({ _id: '1', id: NAME, modelId: NAME, sha: commit, siblings });
    }
    if (kind === 'tree') return json(entries());
    const content = contents.get(decodeURIComponent(file));
    const about = { 'X-Repo-Commit': commit };
    if (content === undefined) {
      return refuse(response, 404, { 'X-Error-Code': 'EntryNotFound', ...about });
    }
    const etag = `"${etagOf(file, content)}"`;
    if (!isWeights(file)) {
      sendContent(request, response, content, { ...about, ETag: etag });
      return undefined;
    }
    return response.writeHead(302, {
      ...about,
      Location: `${cdn.url}/${file}`,
      'X-Linked-Etag': etag,
      'X-Linked-Size': String(content.length),
    }).end();
  } // prettier-ignore

  const cdn = await startLoopbackServer((request, response) => {
    if (hub.intercept(request, response)) return;
    sendContent(request, response, contents.get(request.path.slice(1)) ?? Buffer.alloc(0));
  });
  const server = await startLoopbackServer(answer);
  const hub: HubServer = {
    url: server.url,
    requests: server.requests,
    cdnRequests: cdn.requests,
    files: contents,
    revisions,
    extraEntries,
    intercept: () => false,
    fetched: () =>
      server.requests.flatMap(({ path }) => /\/resolve\/[^/]+\/(.*)$/.exec(path)?.[1] ?? []),
    async close() {
      await Promise.all([server.close(), cdn.close()]);
    },
  };
  return hub;
}

/** The files of a model, with weights of a few bytes that nobody reads. */
export function modelFilesForTests(): Record<string, string> {
  const diffusers = (name: string) => ['diffusers', name];
  return {
    'model_index.json': JSON.stringify({
      _class_name: 'StableDiffusionPipeline',
      feature_extractor: ['transformers', 'CLIPImageProcessor'],
      requires_safety_checker: true,
      safety_checker: ['stable_diffusion', 'StableDiffusionSafetyChecker'],
      scheduler: diffusers('DDIMScheduler'),
      text_encoder: ['transformers', 'CLIPTextModel'],
      tokenizer: ['transformers', 'CLIPTokenizer'],
      unet: diffusers('UNet2DConditionModel'),
      vae: diffusers('AutoencoderKL'),
    }),
    'README.md': '# A model',
    'v1-5.ckpt': 'pickle',
    'v1-5.safetensors': 'all in one',
    'scheduler/scheduler_config.json': '{"scheduler": 1}',
    'tokenizer/vocab.json': '{"a": 0}',
    'tokenizer/merges.txt': 'a b',
    'tokenizer/special_tokens_map.json': '{}',
    'text_encoder/config.json': '{"text": 1}',
    'text_encoder/model.safetensors': 'text weights',
    'text_encoder/pytorch_model.bin': 'pickle',
    'safety_checker/config.json': '{"safety": 1}',
    'safety_checker/model.safetensors': 'safety weights',
    'unet/config.json': '{"unet": 1}',
    'unet/diffusion_pytorch_model.safetensors': 'unet weights '.repeat(100_000),
    'unet/diffusion_pytorch_model.fp16.safetensors': 'half of unet',
    'unet/diffusion_pytorch_model.bin': 'pickle',
    'vae/config.json': '{"vae": 1}',
    'vae/diffusion_pytorch_model.safetensors': 'vae weights',
  };
}
