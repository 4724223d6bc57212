import { type Context, Hono } from 'hono';
import { invalidBody, nameTaken, noSuchKey, noSuchNamespace, stillBound } from '../../http/errors.ts';
import { bodyOf, listOf } from '../../http/requests.ts';
import { ok, paged } from '../../http/responses.ts';
import { newHexId } from '../../state/new_records.ts';
import type { Namespace } from '../../state/records.ts';
import type { Platform } from '../context/platform.ts';

const TITLE_TAKEN = 10014;
const BOUND = 10015;
const LIST_LIMIT = 1000;

interface Value {
  value: string;
  metadata: unknown;
}

interface Listed {
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

const PATH = '/storage/kv/namespaces';
const ONE = `${PATH}/:id`;

export function namespaces(platform: Platform): Hono {
  return new Hono()
    .get(PATH, (c) => {
      const { items, info } = paged(c, platform.account.namespaces.all().map(shown));
      return ok(c, items, info);
    })
    .post(PATH, async (c) => ok(c, shown(await create(platform, await bodyOf<Namespace>(c)))))
    .get(ONE, (c) => ok(c, shown(find(platform, c.req.param('id')))))
    .delete(ONE, async (c) => {
      await remove(platform, find(platform, c.req.param('id')).id);
      return ok(c, {});
    })
    .get(`${ONE}/keys`, async (c) => listKeys(platform, c))
    .get(`${ONE}/values/:key`, async (c) => {
      const found = await ask<Value | null>(platform, c, 'get', { key: keyOf(c) });
      if (!found) throw noSuchKey();
      return c.body(Buffer.from(found.value, 'base64'));
    })
    .get(`${ONE}/metadata/:key`, async (c) => {
      const found = await ask<Value | null>(platform, c, 'get', { key: keyOf(c) });
      if (!found) throw noSuchKey();
      return ok(c, found.metadata);
    })
    .put(`${ONE}/values/:key`, async (c) => {
      await ask(platform, c, 'put', { key: keyOf(c), ...(await readValue(c)) });
      return ok(c, {});
    })
    .delete(`${ONE}/values/:key`, async (c) => {
      await ask(platform, c, 'delete', { key: keyOf(c) });
      return ok(c, {});
    })
    .put(`${ONE}/bulk`, async (c) => {
      const pairs = await listOf<Pair>(c, 'keys and values');
      for (const pair of pairs) await ask(platform, c, 'put', fromPair(pair));
      return ok(c, { successful_key_count: pairs.length, unsuccessful_keys: [] });
    });
}

const shown = ({ id, title }: Namespace): object => ({ id, title, supports_url_encoding: true });

function find({ account }: Platform, id: string): Namespace {
  const namespace = account.namespaces.get(id);
  if (!namespace) throw noSuchNamespace(id);
  return namespace;
}

async function create({ account, groups }: Platform, { title }: Partial<Namespace>): Promise<Namespace> {
  if (!title) throw invalidBody('title is missing');
  if (account.namespaces.all().some((other) => other.title === title))
    throw nameTaken(TITLE_TAKEN, `a namespace with the title "${title}" already exists`);
  const namespace = { id: newHexId(), title };
  await groups.apply({ change: () => account.namespaces.add(namespace) });
  return namespace;
}

async function remove({ account, groups }: Platform, id: string): Promise<void> {
  const users = account.usersOf((binding) => binding.type === 'kv_namespace' && binding.namespace_id === id);
  if (users.length > 0) throw stillBound(BOUND, `KV namespace ${id}`, users);
  await groups.apply({ change: () => account.namespaces.drop(id), erases: `kv:${id}` });
}

const keyOf = (c: Context): string => c.req.param('key') ?? '';

async function ask<T>(platform: Platform, c: Context, operation: string, options: object): Promise<T> {
  const node = `kv:${find(platform, c.req.param('id') ?? '').id}`;
  return (await platform.groups.use(node, (runtime) => runtime.control<T>(node, operation, options))) as T;
}

async function listKeys(platform: Platform, c: Context): Promise<Response> {
  const { prefix, cursor, limit } = c.req.query();
  const options = { prefix, cursor, limit: Math.min(Number(limit ?? LIST_LIMIT), LIST_LIMIT) };
  const found = await ask<Listed>(platform, c, 'list', { options });
  return ok(c, found.keys, { count: found.keys.length, cursor: found.cursor ?? '' });
}

/** The body is the value, or a form with the parts `value` and `metadata`. */
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
