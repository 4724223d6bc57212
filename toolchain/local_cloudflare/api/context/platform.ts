// What the calls of the API work with.

import type { Context } from 'hono';
import type { Groups } from '../../groups/groups.ts';
import { noSuchWorker } from '../../http/errors.ts';
import type { Instances } from '../../instances/instances.ts';
import type { Mailbox } from '../../mail/mailbox.ts';
import type { Account } from '../../state/account.ts';
import type { Source, Worker } from '../../state/records.ts';
import type { Tokens } from '../../state/tokens.ts';
import type { Tails } from '../../tails/tails.ts';
import type { AssetUploads } from '../../workers/assets.ts';

export interface Platform {
  account: Account;
  groups: Groups;
  instances: Instances;
  tails: Tails;
  tokens: Tokens;
  mailbox: Mailbox;
  assetUploads: AssetUploads;
}

/** wrangler is recognized by its User-Agent, as on Cloudflare, which shows it as `last_deployed_from`. */
export function sourceOf(c: Context): Source {
  return c.req.header('user-agent')?.startsWith('wrangler/') ? 'wrangler' : 'api';
}

/** The Worker in the path of a call. */
export const requestedWorker = (platform: Platform, c: Context): Worker =>
  getWorker(platform, c.req.param('name') ?? '');

export function getWorker({ account }: Platform, name: string): Worker {
  const worker = account.workers.get(name);
  if (!worker) throw noSuchWorker(name);
  return worker;
}
