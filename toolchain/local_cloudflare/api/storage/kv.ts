// KV namespaces, their keys and values.

import { type Context, Hono } from 'hono';
import { invalidBody, nameTaken, noSuchKey, noSuchNamespace, resourceInUse } from '../../http/errors.ts';
import { checkKey, checkName, isText, shown } from '../../http/names.ts';
import { positiveInteger, readList, readObject } from '../../http/requests.ts';
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
const MAX_KEY_BYTES = 512;
const MAX_VALUE_BYTES = 25 * 1024 * 1024;
const MAX_METADATA_BYTES = 1024;
/** Seconds from now. */
const MIN_TTL = 60;

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
    const keys = checkCount(await readList<string>(c, 'keys'), MAX_CHANGED).map(checkKvKey);
    for (const key of keys) await control(platform, c, 'delete', { key });
    return done(c, keys);
  };
  return new Hono()
    .put(`${ITEM}/bulk`, async (c) => {
      const pairs = checkCount(await readList<Pair>(c, 'keys and values'), MAX_CHANGED);
      for (const pair of pairs.map(fromPair)) await control(platform, c, 'put', pair);
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
  if (!Array.isArray(keys)) throw invalidBody('keys must be a list');
  const entries = checkCount(keys.map(checkKvKey), MAX_READ).map(
    async (key) => [key, await read(key)] as const,
  );
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
  const name = checkName('title', title);
  if (namespaces.all().some((other) => other.title === name && other.id !== id))
    throw nameTaken(TITLE_TAKEN, `a namespace with the title "${name}" already exists`);
  return name;
}

async function remove({ account, groups }: Platform, id: string): Promise<void> {
  const users = account.workersWithBinding(
    (binding) => binding.type === 'kv_namespace' && binding.namespace_id === id,
  );
  if (users.length > 0) throw resourceInUse(IN_USE, `KV namespace ${id}`, users);
  await groups.apply({ change: () => account.namespaces.delete(id), erases: `kv:${id}` });
}

const keyOf = (c: Context): string => checkKvKey(c.req.param('key'));

function checkKvKey(value: unknown): string {
  const key = checkKey(value, MAX_KEY_BYTES);
  if (key === '.' || key === '..') throw invalidBody(`"${key}" is not allowed as a key`);
  return key;
}

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
  const { prefix, cursor } = c.req.query();
  if (prefix) checkKey(prefix, MAX_KEY_BYTES);
  const options = { prefix, cursor, limit: Math.min(positiveInteger(c, 'limit', MAX_KEYS), MAX_KEYS) };
  const { keys, cursor: next = '' } = await control<KeyList>(platform, c, 'list', { options });
  return ok(c, keys, { count: keys.length, cursor: next });
}

/** The body is either the value, or a form with the parts `value` and `metadata`. */
async function readValue(c: Context): Promise<object> {
  const { expiration, expiration_ttl } = c.req.query();
  const times = { expiration: numberOf(expiration), expiration_ttl: numberOf(expiration_ttl) };
  if (!c.req.header('content-type')?.startsWith('multipart/form-data'))
    return toValue(Buffer.from(await c.req.arrayBuffer()), times);
  const form = await c.req.raw.formData();
  const [value, metadata] = await Promise.all([partOf(form, 'value'), partOf(form, 'metadata')]);
  return toValue(value, { ...times, metadata: parseMetadata(metadata.toString()) });
}

const numberOf = (text: string | undefined): number | undefined => (text ? Number(text) : undefined);

function parseMetadata(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    throw invalidBody('the metadata is not JSON');
  }
}

async function partOf(form: FormData, name: string): Promise<Buffer> {
  const part = form.get(name);
  return part instanceof File ? Buffer.from(await part.arrayBuffer()) : Buffer.from(part ?? '');
}

function fromPair(pair: Partial<Pair> | null): object {
  const { key, value, base64, ...options } = pair ?? {};
  const name = checkKvKey(key);
  if (!isText(value)) throw invalidBody(`the value of ${shown(name)} must be text`);
  return { key: name, ...toValue(Buffer.from(value, base64 ? 'base64' : 'utf8'), options) };
}

interface ValueOptions {
  expiration?: number | undefined;
  expiration_ttl?: number | undefined;
  metadata?: unknown;
}

/** A value as the namespace stores it; throws if it would be refused there. */
function toValue(value: Buffer, { expiration, expiration_ttl, metadata }: ValueOptions): object {
  if (value.length > MAX_VALUE_BYTES)
    throw invalidBody(`Value length of ${value.length} exceeds limit of ${MAX_VALUE_BYTES}.`);
  checkSeconds('expiration_ttl', expiration_ttl, MIN_TTL);
  checkSeconds('expiration', expiration, Math.floor(Date.now() / 1000) + MIN_TTL);
  const metadataBytes = Buffer.byteLength(JSON.stringify(metadata ?? null));
  if (metadataBytes > MAX_METADATA_BYTES)
    throw invalidBody(`Metadata length of ${metadataBytes} exceeds limit of ${MAX_METADATA_BYTES}.`);
  return {
    value: value.toString('base64'),
    options: { expiration, expirationTtl: expiration_ttl, metadata },
  };
}

function checkSeconds(name: string, value: number | null | undefined, least: number): void {
  if (value !== undefined && value !== null && (!Number.isInteger(value) || value < least))
    throw invalidBody(`${name} must be a whole number of at least ${least}, not ${shown(value)}`);
}
