// The static files of Workers: each file once, by its key, and a folder for each version with links to its files.
//
// Clients name a file by a hash of their choice, which cannot be checked. The key therefore includes the Worker: what is
// sent for one Worker is never served by another.

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { listFolder, privateFolder, remove, writeText } from '../system/files.ts';
import type { Assets } from './records.ts';

export interface StoredFile {
  key: string;
  size: number;
}

/** The key under which a Worker's file is stored; `hash` is the client's name for the file. */
export const keyOf = (worker: string, hash: string): string =>
  createHash('sha256').update(`${worker}/${hash}`).digest('hex');

export class AssetStore {
  readonly #files: string;
  readonly #versions: string;

  constructor(folder: string) {
    this.#files = path.join(folder, 'files');
    this.#versions = path.join(folder, 'versions');
    this.#deleteUnused();
  }

  has({ key, size }: StoredFile): boolean {
    return fs.statSync(this.#file(key), { throwIfNoEntry: false })?.size === size;
  }

  add(key: string, contents: Buffer): void {
    privateFolder(this.#files);
    const temporary = `${this.#file(key)}.tmp`;
    fs.writeFileSync(temporary, contents, { mode: 0o600 });
    fs.renameSync(temporary, this.#file(key));
  }

  folderOf(version: string): string {
    return path.join(this.#versions, version);
  }

  /** Link the files of a version into its folder. */
  link(version: string, { manifest, config }: Assets): void {
    const folder = privateFolder(this.folderOf(version));
    for (const [name, key] of Object.entries(manifest)) {
      const file = path.join(folder, ...segmentsOf(name));
      privateFolder(path.dirname(file));
      if (!fs.existsSync(file)) fs.linkSync(this.#file(key), file);
    }
    if (config._headers !== undefined) writeText(path.join(folder, '_headers'), config._headers);
    if (config._redirects !== undefined) writeText(path.join(folder, '_redirects'), config._redirects);
  }

  unlink(version: string): void {
    remove(this.folderOf(version));
  }

  /** Files that no version links to: those of deleted versions, and of unfinished uploads. */
  #deleteUnused(): void {
    for (const key of listFolder(this.#files))
      if (fs.statSync(this.#file(key)).nlink === 1) remove(this.#file(key));
  }

  #file(key: string): string {
    return path.join(this.#files, key);
  }
}

/** The names of the folders and of the file in a path, whose segments are URL-encoded; undefined if one is not allowed. */
export function parsePath(name: string): string[] | undefined {
  if (!name.startsWith('/')) return undefined;
  try {
    const segments = name.slice(1).split('/').map(decodeURIComponent);
    return segments.every(isFileName) ? segments : undefined;
  } catch {
    return undefined;
  }
}

const segmentsOf = (name: string): string[] => parsePath(name) ?? [];

// biome-ignore lint/suspicious/noControlCharactersInRegex: file names must not have any
const UNUSABLE = /[/\\\u0000-\u001f\u007f]/;

const isFileName = (segment: string): boolean =>
  segment !== '' && segment !== '.' && segment !== '..' && segment.isWellFormed() && !UNUSABLE.test(segment);
