// An index of a Workflow's instances, in memory, updated when the engine's files change. A copy is saved next to those
// files, so that after a restart only files that changed since need to be read.

import fs from 'node:fs';
import path from 'node:path';
import { listFolder, readJson, writeJson } from '../system/files.ts';
import { type InstanceSummary, isFinal } from './instance_file.ts';
import { readSummary } from './summary.ts';

const SUFFIX = '.sqlite';
const INSTANCE_FILE = /^(.+\.sqlite)(?:-wal)?$/;
/** A file of workerd that holds no instance. */
const METADATA = 'metadata.sqlite';
const COPY = 'runs.json';
const FORMAT = 3;
/** Other systems may not report every write, so there unfinished instances are checked each time. */
const REPORTS_EVERY_WRITE = process.platform === 'linux';
/** The system drops notifications when there are too many, so everything is checked from time to time. */
const UNFINISHED_MILLISECONDS = REPORTS_EVERY_WRITE ? 3000 : 0;
const ALL_MILLISECONDS = 60_000;
const SAVE_MILLISECONDS = 10_000;

/** A stamp that is never equal to another one. */
const UNCERTAIN = '';
/** The resolution of file times. */
const RESOLUTION_MILLISECONDS = 100;

export interface Row extends InstanceSummary {
  /** Stays the same until the engine's file changes. */
  stamp: string;
}

interface Copy {
  format: number;
  rows: Record<string, Row>;
}

export class InstanceIndex {
  readonly #folder: string;
  #rows = new Map<string, Row>();
  readonly #dirty = new Set<string>();
  /** Ids of instances that ended and were not yet returned by `ended`, with the time. */
  readonly #ended = new Map<string, string>();
  #sorted: Row[] | undefined;
  #watcher: fs.FSWatcher | undefined;
  #checkedUnfinishedAt = 0;
  #checkedAllAt = 0;
  #savedAt = Date.now();
  #isSaved = true;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** All rows, up to date, newest first. */
  async rows(): Promise<readonly Row[]> {
    await this.#refresh();
    this.#sorted ??= [...this.#rows.values()].sort(newestFirst);
    return this.#sorted;
  }

  /** The ids of instances that ended after `since` (ISO time); each is returned once. */
  async ended(since: string): Promise<string[]> {
    await this.#refresh();
    const ended = [...this.#ended].filter(([, at]) => at >= since);
    this.#ended.clear();
    return ended.map(([id]) => id);
  }

  async #refresh(): Promise<void> {
    await receiveNotifications();
    if (!this.#watch()) return;
    const now = Date.now();
    if (now - this.#checkedAllAt >= ALL_MILLISECONDS) this.#markAll(now);
    if (now - this.#checkedUnfinishedAt >= UNFINISHED_MILLISECONDS) this.#markUnfinished(now);
    for (const file of this.#dirty) this.#update(file);
    this.#dirty.clear();
    if (!this.#isSaved && now - this.#savedAt >= SAVE_MILLISECONDS) this.save();
  }

  /** Start watching the folder; return whether it exists. */
  #watch(): boolean {
    if (!fs.existsSync(this.#folder)) this.#reset();
    else if (!this.#watcher) this.#open();
    return this.#watcher !== undefined;
  }

  #reset(): void {
    this.close();
    this.#rows.clear();
    this.#invalidate();
  }

  #open(): void {
    const copy = readCopy(path.join(this.#folder, COPY));
    this.#rows = new Map(Object.entries(copy));
    this.#watcher = fs.watch(this.#folder, { persistent: false }, (_, name) => this.#mark(name));
    this.#watcher.on('error', () => undefined);
    this.#checkedAllAt = 0;
  }

  #mark(name: string | null): void {
    const file = INSTANCE_FILE.exec(name ?? '')?.[1];
    if (file !== undefined && file !== METADATA) this.#dirty.add(file);
  }

  #markAll(now: number): void {
    this.#checkedAllAt = now;
    for (const file of this.#rows.keys()) this.#dirty.add(file);
    for (const name of listFolder(this.#folder)) if (name.endsWith(SUFFIX)) this.#mark(name);
  }

  #markUnfinished(now: number): void {
    this.#checkedUnfinishedAt = now;
    for (const [file, row] of this.#rows) if (!isFinal(row.engine)) this.#dirty.add(file);
  }

  #update(name: string): void {
    const file = path.join(this.#folder, name);
    const stamp = stampOf(file);
    const before = this.#rows.get(name);
    if (stamp !== UNCERTAIN && before?.stamp === stamp) return;
    const summary = readSummary(file);
    if (summary) this.#store(name, { ...summary, stamp });
    else if (this.#rows.delete(name)) this.#invalidate();
  }

  #store(name: string, row: Row): void {
    const before = this.#rows.get(name);
    const wasFinal = before !== undefined && isFinal(before.engine);
    if (!wasFinal && isFinal(row.engine)) this.#ended.set(row.id, row.modified);
    this.#rows.set(name, row);
    this.#invalidate();
  }

  #invalidate(): void {
    this.#sorted = undefined;
    this.#isSaved = false;
  }

  save(): void {
    if (this.#isSaved || !fs.existsSync(this.#folder)) return;
    const copy: Copy = { format: FORMAT, rows: Object.fromEntries(this.#rows) };
    writeJson(path.join(this.#folder, COPY), copy);
    this.#savedAt = Date.now();
    this.#isSaved = true;
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}

/** Let the event loop process notifications of everything written before now. */
async function receiveNotifications(): Promise<void> {
  await new Promise(setImmediate);
  await new Promise(setImmediate);
}

function readCopy(file: string): Record<string, Row> {
  try {
    const copy = readJson<Copy>(file);
    return copy?.format === FORMAT ? copy.rows : {};
  } catch {
    return {};
  }
}

/**
 * An empty write-ahead log, which a reader leaves behind, counts as none. A file written just now may be written again
 * with the same size and, because of its resolution, the same time.
 */
function stampOf(file: string): string {
  const [main, log] = [file, `${file}-wal`].map((name) => fs.statSync(name, { throwIfNoEntry: false }));
  const written = Math.max(main?.mtimeMs ?? 0, log?.mtimeMs ?? 0);
  if (Date.now() - written < RESOLUTION_MILLISECONDS) return UNCERTAIN;
  return `${main?.mtimeMs}:${main?.size}:${log?.size ? `${log.mtimeMs}:${log.size}` : ''}`;
}

/** Rows of the same moment are ordered by id, so that the order is always the same. */
export function newestFirst(first: Row, second: Row): number {
  if (first.createdOn !== second.createdOn) return first.createdOn < second.createdOn ? 1 : -1;
  return first.id < second.id ? 1 : -1;
}
