// The response format of Cloudflare's API: an envelope, and lists in pages.

import type { Context } from 'hono';
import type { ApiError } from './errors.ts';
import { positiveInteger } from './requests.ts';

const MAX_PER_PAGE = 1000;

export interface Page<T> {
  items: T[];
  info: Record<string, unknown>;
}

export interface Message {
  code: number;
  message: string;
}

export function ok(
  c: Context,
  result: unknown,
  info?: Record<string, unknown>,
  messages: Message[] = [],
): Response {
  const envelope = { success: true, errors: [], messages, result };
  return c.json(info ? { ...envelope, result_info: info } : envelope);
}

/** Like `ok`, for a result that is already JSON text. */
export function okJson(c: Context, result: string): Response {
  const text = `{"success":true,"errors":[],"messages":[],"result":${result}}`;
  return c.body(text, 200, { 'content-type': 'application/json' });
}

export function failure(c: Context, error: ApiError): Response {
  const errors = [{ code: error.code, message: error.message }];
  return c.json({ success: false, errors, messages: [], result: null }, error.status);
}

/** Respond with the page of a list that `page` and `per_page` select. */
export function okPage<T>(
  c: Context,
  all: readonly T[],
  serialize: (item: T) => unknown = (item) => item,
  defaultPerPage?: number,
): Response {
  const { items, info } = paginate(c, all, defaultPerPage);
  return ok(c, items.map(serialize), info);
}

/** Return the page of a list that `page` and `per_page` select. */
export function paginate<T>(c: Context, all: readonly T[], defaultPerPage = 20): Page<T> {
  const page = positiveInteger(c, 'page', 1);
  const perPage = Math.min(positiveInteger(c, 'per_page', defaultPerPage), MAX_PER_PAGE);
  const items = all.slice((page - 1) * perPage, page * perPage);
  const info = {
    page,
    per_page: perPage,
    count: items.length,
    total_count: all.length,
    total_pages: Math.ceil(all.length / perPage),
  };
  return { items, info };
}
