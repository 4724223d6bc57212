// Cloudflare's GraphQL API returns figures about resources: wrangler queries it for buckets and databases.

import { type Context, Hono } from 'hono';
import { invalidBody, unknownAccount, unsupported } from '../../http/errors.ts';
import { isText } from '../../http/names.ts';
import { readObject } from '../../http/requests.ts';
import { now } from '../../state/new_records.ts';
import type { Platform } from '../context/platform.ts';
import { getBucket } from '../storage/r2.ts';

interface Query {
  query: string;
  variables: { accountTag?: string; filter?: { bucketName?: string } };
}

interface Usage {
  objects: number;
  bytes: number;
}

type Read = (platform: Platform, variables: Query['variables']) => Promise<object[]>;

const FIGURES: Record<string, Read> = {
  r2StorageAdaptiveGroups: bucketUsage,
  // how often a database was used is not recorded
  d1AnalyticsAdaptiveGroups: async () => [],
};

export function graphql(platform: Platform): Hono {
  return new Hono().post('/graphql', async (c: Context) => {
    const { query, variables } = await readObject<Query>(c);
    const found = Object.entries(FIGURES).find(([name]) => isText(query) && query.includes(name));
    if (!found) throw unsupported('The embedded platform does not support this GraphQL query');
    if (variables?.accountTag !== platform.account.id) throw unknownAccount(String(variables?.accountTag));
    const [name, read] = found;
    const accounts = [{ [name]: await read(platform, variables) }];
    return c.json({ data: { viewer: { accounts } }, errors: null });
  });
}

async function bucketUsage(platform: Platform, { filter }: Query['variables']): Promise<object[]> {
  if (!filter?.bucketName) throw invalidBody('the filter needs a bucketName');
  const node = `r2:${getBucket(platform, filter.bucketName).name}`;
  const usage = await platform.groups.use(node, (runtime) => runtime.control<Usage>(node, 'usage'));
  const { objects: objectCount, bytes: payloadSize } = usage ?? { objects: 0, bytes: 0 };
  return [{ max: { objectCount, payloadSize, metadataSize: 0 }, dimensions: { datetime: now() } }];
}
