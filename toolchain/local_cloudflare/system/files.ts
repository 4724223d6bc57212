// State on disk: private, and whole or not there at all.

import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

export function privateFolder(folder: string): string {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** Replace the file in one step: a reader, and a start after a kill, see the old text or the new. */
export function writeWhole(file: string, text: string): void {
  privateFolder(path.dirname(file));
  const draft = `${file}.${randomUUID()}.tmp`;
  const handle = fs.openSync(draft, 'wx', 0o600);
  try {
    fs.writeSync(handle, text);
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
  fs.renameSync(draft, file);
}

export function writeJson(file: string, value: unknown): void {
  writeWhole(file, JSON.stringify(value));
}

export function readText(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

export function readJson<T>(file: string): T | undefined {
  const text = readText(file);
  return text === undefined ? undefined : (JSON.parse(text) as T);
}

/** The names in a folder, without what a kill left half-written. */
export function names(folder: string): string[] {
  try {
    return fs.readdirSync(folder).filter((name) => !name.endsWith('.tmp'));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

export function remove(target: string): void {
  fs.rmSync(target, { recursive: true, force: true });
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
