// KV namespaces, their keys and values.

import { type Context, Hono } from 'hono';
import { invalidBody, nameTaken, noSuchKey, noSuchNamespace, resourceInUse } from '../../http/errors.ts';
import { readList, readObject } from '../../http/requests.ts';
import { ok, okPage } from '../../http/responses.ts';
import type { Account } from '../../state/account.ts';
import { newHexId } from '../../state/new_records.ts';
import type { Namespace } from '../../state/records.ts';
import type { Platform } from '../context/platform.ts';

const TITLE_TAKEN = 10014;
const IN_USE = 10015;
const MAX_KEYS = 1000;
const MAX_CHANGED = 10_000;
const MAX_READ = 100;

interface Value {
  value: string;
  metadata: unknown;
}

interface KeyList {
  keys: { name: string; expiration?: number; metadata?: unknown }[];
  list_complete: boolean;
  cursor?: string;
}

interface Pair {
  key: string;
  value: string;
  base64?: boolean;
  expiration?: number;
  expiration_ttl?: number;
  metadata?: unknown;
}

interface BulkGet {
  keys: string[];
  type: 'text' | 'json';
  withMetadata: boolean;
}

const PATH = '/storage/kv/namespaces';
const ITEM = `${PATH}/:id`;

export function namespaces(platform: Platform): Hono {
  return new Hono()
    .get(PATH, (c) => {
      return okPage(c, sorted(c, platform.account.namespaces.all()), serialize);
    })
    .post(PATH, async (c) => ok(c, serialize(await create(platform, await readObject<Namespace>(c)))))
    .get(ITEM, (c) => ok(c, serialize(getNamespace(platform, c.req.param('id')))))
    .put(ITEM, async (c) => {
      const before = getNamespace(platform, c.req.param('id'));
      return ok(c, serialize(rename(platform, before, await readObject<Namespace>(c))));
    })
    .delete(ITEM, async (c) => {
      await remove(platform, getNamespace(platform, c.req.param('id')).id);
      return ok(c, {});
    })
    .get(`${ITEM}/keys`, async (c) => listKeys(platform, c))
    .get(`${ITEM}/values/:key`, async (c) => {
      const { value } = await getValue(platform, c);
      return c.body(Buffer.from(value, 'base64'));
    })
    .get(`${ITEM}/metadata/:key`, async (c) => {
      const { metadata } = await getValue(platform, c);
      return ok(c, metadata);
    })
    .put(`${ITEM}/values/:key`, async (c) => {
      await control(platform, c, 'put', { key: keyOf(c), ...(await readValue(c)) });
      return ok(c, {});
    })
    .delete(`${ITEM}/values/:key`, async (c) => {
      await control(platform, c, 'delete', { key: keyOf(c) });
      return ok(c, {});
    })
    .route('/', bulk(platform));
}

function bulk(platform: Platform): Hono {
  const done = (c: Context, { length }: unknown[]) =>
    ok(c, { successful_key_count: length, unsuccessful_keys: [] });
  const remove = async (c: Context) => {
    const keys = checkCount(await readList<string>(c, 'keys'), MAX_CHANGED);
    for (const key of keys) await control(platform, c, 'delete', { key });
    return done(c, keys);
  };
  return new Hono()
    .put(`${ITEM}/bulk`, async (c) => {
      const pairs = checkCount(await readList<Pair>(c, 'keys and values'), MAX_CHANGED);
      for (const pair of pairs) await control(platform, c, 'put', fromPair(pair));
      return done(c, pairs);
    })
    .delete(`${ITEM}/bulk`, remove)
    .post(`${ITEM}/bulk/delete`, remove)
    .post(`${ITEM}/bulk/get`, async (c) => ok(c, { values: await readMany(platform, c) }));
}

function checkCount<T>(items: T[], most: number): T[] {
  if (items.length > most) throw invalidBody(`at most ${most} keys are allowed, not ${items.length}`);
  return items;
}

/** The values of the keys, which must be text; null for a key that is missing. */
async function readMany(platform: Platform, c: Context): Promise<object> {
  const { keys = [], type = 'text', withMetadata = false } = await readObject<BulkGet>(c);
  const read = async (key: string): Promise<unknown> => {
    const found = await control<Value | null>(platform, c, 'get', { key });
    if (!found) return null;
    const text = Buffer.from(found.value, 'base64').toString();
    const value = type === 'json' ? parseValue(key, text) : text;
    return withMetadata ? { value, metadata: found.metadata } : value;
  };
  const entries = checkCount(keys, MAX_READ).map(async (key) => [key, await read(key)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

function parseValue(key: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalidBody(`the value of "${key}" is not JSON`);
  }
}

const serialize = ({ id, title }: Namespace): object => ({ id, title, supports_url_encoding: true });

/** By default in the order in which they were created. */
function sorted(c: Context, namespaces: readonly Namespace[]): Namespace[] {
  const { order, direction } = c.req.query();
  const field = order === 'id' || order === 'title' ? order : undefined;
  const list = field
    ? namespaces.toSorted((first, second) => (first[field] < second[field] ? -1 : 1))
    : [...namespaces];
  return direction === 'desc' ? list.reverse() : list;
}

function getNamespace({ account }: Platform, id: string): Namespace {
  const namespace = account.namespaces.get(id);
  if (!namespace) throw noSuchNamespace(id);
  return namespace;
}

async function create({ account, groups }: Platform, body: Partial<Namespace>): Promise<Namespace> {
  const id = newHexId();
  const namespace = { id, title: freeTitle(account, id, body.title) };
  await groups.apply({ change: () => account.namespaces.add(namespace) });
  return namespace;
}

function rename({ account }: Platform, { id }: Namespace, { title }: Partial<Namespace>): Namespace {
  const namespace = { id, title: freeTitle(account, id, title) };
  account.namespaces.replace(namespace);
  return namespace;
}

function freeTitle({ namespaces }: Account, id: string, title: string | undefined): string {
  if (!title) throw invalidBody('title is missing');
  if (namespaces.all().some((other) => other.title === title && other.id !== id))
    throw nameTaken(TITLE_TAKEN, `a namespace with the title "${title}" already exists`);
  return title;
}

async function remove({ account, groups }: Platform, id: string): Promise<void> {
  const users = account.workersWithBinding(
    (binding) => binding.type === 'kv_namespace' && binding.namespace_id === id,
  );
  if (users.length > 0) throw resourceInUse(IN_USE, `KV namespace ${id}`, users);
  await groups.apply({ change: () => account.namespaces.delete(id), erases: `kv:${id}` });
}

const keyOf = (c: Context): string => c.req.param('key') ?? '';

async function control<T>(platform: Platform, c: Context, operation: string, options: object): Promise<T> {
  const node = `kv:${getNamespace(platform, c.req.param('id') ?? '').id}`;
  return (await platform.groups.use(node, (runtime) => runtime.control<T>(node, operation, options))) as T;
}

async function getValue(platform: Platform, c: Context): Promise<Value> {
  const found = await control<Value | null>(platform, c, 'get', { key: keyOf(c) });
  if (!found) throw noSuchKey();
  return found;
}

async function listKeys(platform: Platform, c: Context): Promise<Response> {
  const { prefix, cursor, limit } = c.req.query();
  const options = { prefix, cursor, limit: Math.min(Number(limit ?? MAX_KEYS), MAX_KEYS) };
  const { keys, cursor: next = '' } = await control<KeyList>(platform, c, 'list', { options });
  return ok(c, keys, { count: keys.length, cursor: next });
}

/** The body is either the value, or a form with the parts `value` and `metadata`. */
async function readValue(c: Context): Promise<object> {
  const { expiration, expiration_ttl } = c.req.query();
  const times = {
    ...(expiration && { expiration: Number(expiration) }),
    ...(expiration_ttl && { expirationTtl: Number(expiration_ttl) }),
  };
  if (!c.req.header('content-type')?.startsWith('multipart/form-data'))
    return { value: Buffer.from(await c.req.arrayBuffer()).toString('base64'), options: times };
  const form = await c.req.raw.formData();
  const [value, metadata] = await Promise.all([partOf(form, 'value'), partOf(form, 'metadata')]);
  const options = { ...times, ...(metadata.length > 0 && { metadata: JSON.parse(metadata.toString()) }) };
  return { value: value.toString('base64'), options };
}

async function partOf(form: FormData, name: string): Promise<Buffer> {
  const part = form.get(name);
  return part instanceof File ? Buffer.from(await part.arrayBuffer()) : Buffer.from(part ?? '');
}

function fromPair({ key, value, base64, expiration, expiration_ttl, metadata }: Pair): object {
  const bytes = base64 ? value : Buffer.from(value).toString('base64');
  return { key, value: bytes, options: { expiration, expirationTtl: expiration_ttl, metadata } };
}
