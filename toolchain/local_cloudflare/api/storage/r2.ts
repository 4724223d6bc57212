// R2 buckets.

import { Hono } from 'hono';
import { invalidBody, nameTaken, noSuchBucket, resourceInUse } from '../../http/errors.ts';
import { readObject } from '../../http/requests.ts';
import { ok } from '../../http/responses.ts';
import { now } from '../../state/new_records.ts';
import type { Bucket } from '../../state/records.ts';
import type { Platform } from '../context/platform.ts';

const NAME = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;
const NAME_TAKEN = 10004;
const IN_USE = 10008;
const PATH = '/r2/buckets';

export function buckets(platform: Platform): Hono {
  return new Hono()
    .get(PATH, (c) => {
      const part = c.req.query('name_contains') ?? '';
      const all = platform.account.buckets.all().filter(({ name }) => name.includes(part));
      return ok(c, { buckets: all.map(serialize) });
    })
    .post(PATH, async (c) => ok(c, serialize(await create(platform, await readObject<Bucket>(c)))))
    .get(`${PATH}/:name`, (c) => ok(c, serialize(getBucket(platform, c.req.param('name')))))
    .delete(`${PATH}/:name`, async (c) => {
      await remove(platform, getBucket(platform, c.req.param('name')).name);
      return ok(c, {});
    });
}

const serialize = (bucket: Bucket): object => ({
  ...bucket,
  storage_class: 'Standard',
  jurisdiction: 'default',
});

function getBucket({ account }: Platform, name: string): Bucket {
  const bucket = account.buckets.get(name);
  if (!bucket) throw noSuchBucket(name);
  return bucket;
}

async function create({ account, groups }: Platform, { name }: Partial<Bucket>): Promise<Bucket> {
  if (!name || !NAME.test(name)) throw invalidBody(`"${name ?? ''}" is not a valid bucket name`);
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
  await groups.apply({ change: () => account.buckets.delete(name), erases: `r2:${name}` });
}
