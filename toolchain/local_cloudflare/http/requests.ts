// Query parameters and JSON bodies of requests to the API.

import type { Context } from 'hono';
import { invalidBody, unsupported } from './errors.ts';

/** Deeper values would end in a stack overflow where they are read. */
const MAX_DEPTH = 1000;

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
  return checkObject<T>(await readBody(c), 'the body');
}

/** A value from a client, which must be an object. */
export function checkObject<T extends object>(value: unknown, what: string): Partial<T> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidBody(`${what} must be a JSON object`);
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

/** The list of objects in the body. */
export async function readObjects<T extends object>(c: Context, items: string): Promise<Partial<T>[]> {
  return checkObjects<T>(await readBody(c), items);
}

/** The value of a client, which must be a list of objects. */
export function checkObjects<T extends object>(value: unknown, items: string): Partial<T>[] {
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'object' && item !== null))
    throw invalidBody(`${items} must be a list of objects`);
  return value;
}

export async function readBody(c: Context): Promise<unknown> {
  const text = await c.req.text();
  if (text === '') return {};
  return parseJson(text);
}

/** The value of JSON that a client sent. */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalidBody('the body is not JSON');
  }
  if (isDeeperThan(value, MAX_DEPTH))
    throw invalidBody(`the body is nested more than ${MAX_DEPTH} levels deep`);
  return value;
}

function isDeeperThan(value: unknown, limit: number): boolean {
  let level = [value];
  for (let depth = 0; depth <= limit && level.length > 0; depth += 1)
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []));
  return level.length > 0;
}
