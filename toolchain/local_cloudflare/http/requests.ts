// Reading a request to the API.

import type { Context } from 'hono';
import { invalidBody } from './errors.ts';

export function numbered(c: Context, name: string, otherwise: number): number {
  const value = Number(c.req.query(name) ?? otherwise);
  return Number.isInteger(value) && value > 0 ? value : otherwise;
}

/** The JSON object in the body; an empty body is an empty object. */
export async function bodyOf<T extends object>(c: Context): Promise<Partial<T>> {
  const value = await jsonOf(c);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidBody('the body is not a JSON object');
  return value;
}

/** The JSON list in the body; `items` names what it holds, for the error message. */
export async function listOf<T>(c: Context, items: string): Promise<T[]> {
  const value = await jsonOf(c);
  if (!Array.isArray(value)) throw invalidBody(`the body is not a list of ${items}`);
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
