// The objects of R2 buckets. Their contents are streamed to and from the bucket's group.

import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type Context, Hono } from 'hono';
import { ApiError, noSuchBucket, noSuchObject, objectTooLarge } from '../../http/errors.ts';
import { shown } from '../../http/names.ts';
import { positiveInteger } from '../../http/requests.ts';
import { ok } from '../../http/responses.ts';
import type { Platform } from '../context/platform.ts';
import { ITEM as BUCKET, getBucket } from './r2.ts';

const PATH = `${BUCKET}/objects`;
const ITEM = `${PATH}/:key{[\\s\\S]+}`;
const MAX_PER_PAGE = 1000;
const INVALID_OBJECT = 10020;
const MAX_KEY_BYTES = 1024;
const MAX_BYTES = 300 * 1024 * 1024;
/** The headers of a call that describe the object, select a part of it, or make the call conditional. */
const FORWARDED = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-unmodified-since',
  'range',
];

interface StoredObject {
  key: string;
  size: number;
  etag: string;
  version: string;
  uploaded: string;
  storage_class: string;
  http_metadata: object;
  custom_metadata: object;
}

interface ObjectList {
  objects: StoredObject[];
  prefixes: string[];
  cursor?: string;
}

export function objects(platform: Platform): Hono {
  return new Hono()
    .get(PATH, (c) => list(platform, c))
    .get(ITEM, (c) => get(platform, c))
    .put(ITEM, (c) => put(platform, c))
    .delete(ITEM, async (c) => {
      const key = keyOf(c);
      await control(platform, c, 'delete', { key });
      return ok(c, { key });
    });
}

/** R2's own message and code. */
function keyOf(c: Context): string {
  const key = c.req.param('key') ?? '';
  if (Buffer.byteLength(key) > MAX_KEY_BYTES)
    throw new ApiError(400, INVALID_OBJECT, `The specified object name is not valid: ${shown(key)}`);
  return key;
}

const nodeOf = (platform: Platform, c: Context): string =>
  `r2:${getBucket(platform, c.req.param('name') ?? '').name}`;

async function control<T>(platform: Platform, c: Context, operation: string, options: object): Promise<T> {
  const node = nodeOf(platform, c);
  return (await platform.groups.use(node, (runtime) => runtime.control<T>(node, operation, options))) as T;
}

async function list(platform: Platform, c: Context): Promise<Response> {
  const { prefix, cursor, delimiter, start_after: startAfter } = c.req.query();
  const limit = Math.min(positiveInteger(c, 'per_page', MAX_PER_PAGE), MAX_PER_PAGE);
  const options = { prefix, cursor: cursor || undefined, delimiter, startAfter, limit };
  const page = await control<ObjectList>(platform, c, 'list', { options });
  const info = { per_page: limit, delimited: page.prefixes, is_truncated: page.cursor !== undefined };
  return ok(c, page.objects.map(serialize), { ...info, ...(page.cursor && { cursor: page.cursor }) });
}

const serialize = ({ uploaded, version: _, ...object }: StoredObject): object => ({
  ...object,
  last_modified: uploaded,
  ssec: false,
});

async function get(platform: Platform, c: Context): Promise<Response> {
  const reply = await exchange(platform, c, '');
  const status = reply.statusCode ?? 500;
  if (status === 404) throw noSuchObject();
  if (status === 400) throw failed(await json<{ error: string }>(reply));
  const headers = Object.entries(reply.headers).filter(([name]) => !HOP_BY_HOP.includes(name));
  const body = status === 304 ? null : (Readable.toWeb(reply) as ReadableStream);
  return new Response(body, { status, headers: headers as [string, string][] });
}

const HOP_BY_HOP = ['connection', 'keep-alive', 'transfer-encoding'];

async function put(platform: Platform, c: Context): Promise<Response> {
  const reply = await exchange(platform, c, await uploadOf(c));
  const stored = await json<StoredObject | { error: string }>(reply);
  if ('error' in stored) throw failed(stored);
  const { key, size, etag, version, uploaded, storage_class } = stored;
  return ok(c, { key, size: String(size), etag, version, uploaded, storage_class });
}

const json = async <T>(reply: IncomingMessage): Promise<T> => JSON.parse(await text(reply));

/** R2 puts the code of an error after its message. */
function failed({ error }: { error: string }): ApiError {
  const [, code] = /\((\d+)\)$/.exec(error) ?? [];
  return new ApiError(400, Number(code ?? INVALID_OBJECT), error);
}

/** R2 needs the length of what it stores, so a body without a length is read first. */
async function uploadOf(c: Context): Promise<Buffer | Readable> {
  const { body } = c.req.raw;
  const length = Number(c.req.header('content-length') ?? Number.NaN);
  if (length > MAX_BYTES) throw objectTooLarge(MAX_BYTES);
  if (body === null) return Buffer.alloc(0);
  const stream = Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]);
  return Number.isNaN(length) ? readAll(stream) : stream;
}

async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > MAX_BYTES) throw objectTooLarge(MAX_BYTES);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Send the call to the bucket's group, which keeps running until the reply has been read. */
async function exchange(
  platform: Platform,
  c: Context,
  body: Buffer | Readable | string,
): Promise<IncomingMessage> {
  const node = nodeOf(platform, c);
  const lease = await platform.groups.acquire(node);
  if (!lease) throw noSuchBucket(c.req.param('name') ?? '');
  const forwarded = FORWARDED.flatMap((name) => {
    const value = c.req.header(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const length = Buffer.isBuffer(body) ? body.length : c.req.header('content-length');
  const headers = {
    ...lease.runtime.controlHeaders,
    ...Object.fromEntries(forwarded),
    'x-control-object': encodeURIComponent(JSON.stringify({ node, key: keyOf(c) })),
    ...(body !== '' && { 'content-length': length ?? 0 }),
  };
  try {
    const { method } = c.req;
    const content = Buffer.isBuffer(body) ? Readable.from([body]) : body;
    const reply = await lease.runtime.stream({ method: method === 'PUT' ? 'PUT' : 'GET', headers }, content);
    reply.once('close', lease.release);
    if (reply.statusCode === 404) reply.resume();
    return reply;
  } catch (error) {
    lease.release();
    throw error;
  }
}
