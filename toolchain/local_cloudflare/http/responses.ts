// The envelope around every answer of Cloudflare's API.

import type { Context } from 'hono';
import type { ApiError } from './errors.ts';
import { numbered } from './requests.ts';

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

/** A result that is JSON already. */
export function okText(c: Context, result: string): Response {
  const text = `{"success":true,"errors":[],"messages":[],"result":${result}}`;
  return c.body(text, 200, { 'content-type': 'application/json' });
}

export function failed(c: Context, error: ApiError): Response {
  const errors = [{ code: error.code, message: error.message }];
  return c.json({ success: false, errors, messages: [], result: null }, error.status);
}

/** Cut one page out of a list, as `page` and `per_page` ask. */
export function paged<T>(c: Context, all: T[], perPageDefault = 20): Page<T> {
  const page = numbered(c, 'page', 1);
  const perPage = Math.min(numbered(c, 'per_page', perPageDefault), MAX_PER_PAGE);
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
