// R2 buckets.

import { type Context, Hono } from 'hono';
import {
  bucketNotEmpty,
  invalidBody,
  nameTaken,
  noSuchBucket,
  resourceInUse,
  unsupported,
} from '../../http/errors.ts';
import { isText } from '../../http/names.ts';
import { positiveInteger, readObject } from '../../http/requests.ts';
import { ok } from '../../http/responses.ts';
import { now } from '../../state/new_records.ts';
import type { Bucket } from '../../state/records.ts';
import type { Platform } from '../context/platform.ts';

const NAME = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;
const NAME_TAKEN = 10004;
const IN_USE = 10008;
const STANDARD = 'Standard';
const MAX_PER_PAGE = 1000;
const PATH = '/r2/buckets';
export const ITEM = `${PATH}/:name`;

export function buckets(platform: Platform): Hono {
  return new Hono()
    .use('/r2/*', async (c, next) => {
      checkPlace(c.req.header('cf-r2-jurisdiction'), c.req.header('cf-r2-storage-class'));
      await next();
    })
    .get(PATH, (c) => list(platform, c))
    .post(PATH, async (c) => ok(c, serialize(await create(platform, await readObject<BucketBody>(c)))))
    .get(ITEM, (c) => ok(c, serialize(getBucket(platform, c.req.param('name')))))
    .delete(ITEM, async (c) => {
      await remove(platform, getBucket(platform, c.req.param('name')).name);
      return ok(c, {});
    });
}

interface BucketBody {
  name: string;
  storageClass: string;
}

const serialize = (bucket: Bucket): object => ({
  ...bucket,
  storage_class: STANDARD,
  jurisdiction: 'default',
});

/** Miniflare's R2 has one place and one storage class. */
function checkPlace(jurisdiction = 'default', storageClass = STANDARD): void {
  if (jurisdiction !== 'default')
    throw unsupported(`The embedded platform has no R2 jurisdiction "${jurisdiction}"`);
  if (storageClass !== STANDARD)
    throw unsupported(`The embedded platform has no R2 storage class "${storageClass}"`);
}

/** A cursor is the name of the last bucket of the previous page. */
function list({ account }: Platform, c: Context): Response {
  const { name_contains: part = '', start_after, cursor, direction } = c.req.query();
  const perPage = Math.min(positiveInteger(c, 'per_page', 20), MAX_PER_PAGE);
  const sign = direction === 'desc' ? -1 : 1;
  const compare = (first: string, second: string) => sign * (first < second ? -1 : Number(first > second));
  const after = cursor || start_after;
  const matching = account.buckets
    .all()
    .filter(({ name }) => name.includes(part) && (!after || compare(name, after) > 0))
    .sort((first, second) => compare(first.name, second.name));
  const page = matching.slice(0, perPage);
  const next = matching.length > perPage ? page.at(-1)?.name : undefined;
  return ok(c, { buckets: page.map(serialize) }, { per_page: perPage, ...(next && { cursor: next }) });
}

export function getBucket({ account }: Platform, name: string): Bucket {
  const bucket = account.buckets.get(name);
  if (!bucket) throw noSuchBucket(name);
  return bucket;
}

async function create({ account, groups }: Platform, body: Partial<BucketBody>): Promise<Bucket> {
  const { name, storageClass } = body;
  if (!isText(name) || !NAME.test(name)) throw invalidBody(`"${name ?? ''}" is not a valid bucket name`);
  checkPlace(undefined, storageClass);
  if (account.buckets.get(name)) throw nameTaken(NAME_TAKEN, `the bucket "${name}" already exists`);
  const bucket = { name, creation_date: now() };
  await groups.apply({ change: () => account.buckets.add(bucket) });
  return bucket;
}

async function remove({ account, groups }: Platform, name: string): Promise<void> {
  const users = account.workersWithBinding(
    (binding) => binding.type === 'r2_bucket' && binding.bucket_name === name,
  );
  if (users.length > 0) throw resourceInUse(IN_USE, `bucket ${name}`, users);
  const node = `r2:${name}`;
  const isEmpty = await groups.use(node, (runtime) => runtime.control<boolean>(node, 'isEmpty'));
  if (isEmpty === false) throw bucketNotEmpty(name);
  await groups.apply({ change: () => account.buckets.delete(name), erases: node });
}
