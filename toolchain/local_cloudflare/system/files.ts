// Files and folders that only this user can read, written atomically.

import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

export function privateFolder(folder: string): string {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** Replace the file atomically: readers see either the old text or the new, even after a crash. */
export function writeText(file: string, text: string): void {
  privateFolder(path.dirname(file));
  const temporary = `${file}.${randomUUID()}.tmp`;
  const handle = fs.openSync(temporary, 'wx', 0o600);
  try {
    fs.writeSync(handle, text);
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
  fs.renameSync(temporary, file);
}

export function writeJson(file: string, value: unknown): void {
  writeText(file, JSON.stringify(value));
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

/** The names in a folder, without temporary files that a crash left behind. */
export function listFolder(folder: string): string[] {
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
