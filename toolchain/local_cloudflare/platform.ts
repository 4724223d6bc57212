// The parts that every call of the API works with.

import type { Context } from 'hono';
import type { Account } from './account.ts';
import { invalidBody, noSuchWorker } from './errors.ts';
import type { Groups } from './groups.ts';
import type { Source, Worker } from './model.ts';
import type { Settings } from './settings.ts';
import type { Tails } from './tails/tails.ts';
import type { Tokens } from './tokens.ts';

export interface Platform {
  account: Account;
  groups: Groups;
  settings: Settings;
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

/** The JSON object in the body; an empty body is an empty object. */
export async function bodyOf<T extends object>(c: Context): Promise<Partial<T>> {
  const value = await jsonOf(c);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidBody('the body is not a JSON object');
  return value;
}

export async function jsonOf(c: Context): Promise<unknown> {
  const text = await c.req.text();
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    throw invalidBody('the body is not JSON');
  }
}
