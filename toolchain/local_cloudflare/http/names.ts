// Checks of the names and keys that clients choose.

import { invalidBody } from './errors.ts';

const MAX_BYTES = 512;
// biome-ignore lint/suspicious/noControlCharactersInRegex: names must not have any
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f]/;

export const isText = (value: unknown): value is string => typeof value === 'string' && value.isWellFormed();

export const hasControlCharacter = (text: string): boolean => CONTROL_CHARACTER.test(text);

/** The name, which can be any text on one line. */
export function checkName(field: string, value: unknown): string {
  if (value === undefined || value === null || value === '') throw invalidBody(`${field} is missing`);
  if (!isText(value) || hasControlCharacter(value) || Buffer.byteLength(value) > MAX_BYTES)
    throw invalidBody(
      `${field} must be text of at most ${MAX_BYTES} bytes, without control characters, not ${shown(value)}`,
    );
  return value;
}

/** The key, which has at most this many bytes. */
export function checkKey(value: unknown, maxBytes: number): string {
  if (!isText(value) || value === '')
    throw invalidBody(`a key must be text that is not empty, not ${shown(value)}`);
  if (Buffer.byteLength(value) > maxBytes)
    throw invalidBody(
      `UTF-8 encoded length of ${Buffer.byteLength(value)} exceeds key length limit of ${maxBytes}: ${shown(value)}`,
    );
  return value;
}

const SHOWN = 100;

/** A value in an error message. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}
