// The parts that every call of the API works with.

import type { Context } from 'hono';
import type { Groups } from '../../groups/groups.ts';
import { noSuchWorker } from '../../http/errors.ts';
import type { Instances } from '../../instances/instances.ts';
import type { Account } from '../../state/account.ts';
import type { Source, Worker } from '../../state/records.ts';
import type { Tokens } from '../../state/tokens.ts';
import type { Tails } from '../../tails/tails.ts';

export interface Platform {
  account: Account;
  groups: Groups;
  instances: Instances;
  tails: Tails;
  tokens: Tokens;
}

/** wrangler names itself in the User-Agent; Cloudflare remembers it as the Worker's `last_deployed_from`. */
export function sourceOf(c: Context): Source {
  return c.req.header('user-agent')?.startsWith('wrangler/') ? 'wrangler' : 'api';
}

export function workerOf({ account }: Platform, name: string): Worker {
  const worker = account.workers.get(name);
  if (!worker) throw noSuchWorker(name);
  return worker;
}
