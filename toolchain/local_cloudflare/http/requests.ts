// Query parameters and JSON bodies of requests to the API.

import type { Context } from 'hono';
import { invalidBody, unsupported } from './errors.ts';

export function positiveInteger(c: Context, name: string, fallback: number): number {
  const value = Number(c.req.query(name) ?? fallback);
  return Number.isInteger(value) && value > 0 ? value : fallback;
}

/** The text of a part of a form. */
export async function readPart(form: FormData, name: string): Promise<string | undefined> {
  const part = form.get(name);
  return part instanceof File ? part.text() : (part ?? undefined);
}

/** The JSON object in the body; an empty body is an empty object. */
export async function readObject<T extends object>(c: Context): Promise<Partial<T>> {
  const value = await readBody(c);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidBody('the body must be a JSON object');
  return value;
}

/**
 * Reject an unsupported setting, instead of storing it without an effect. Empty values, and settings that are turned off,
 * change nothing anyway.
 */
export function checkSettings(settings: object, supported: readonly string[], owner: string): void {
  for (const [name, value] of Object.entries(settings))
    if (!supported.includes(name) && hasEffect(value))
      throw unsupported(`The embedded platform does not support the setting "${name}" of ${owner}`);
}

function hasEffect(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '') return false;
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value !== 'object') return true;
  return 'enabled' in value ? value.enabled !== false : Object.values(value).some(hasEffect);
}

/** The JSON list in the body; `items` names its items in the error message. */
export async function readList<T>(c: Context, items: string): Promise<T[]> {
  const value = await readBody(c);
  if (!Array.isArray(value)) throw invalidBody(`the body must be a list of ${items}`);
  return value;
}

export async function readBody(c: Context): Promise<unknown> {
  const text = await c.req.text();
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    throw invalidBody('the body is not JSON');
  }
}
