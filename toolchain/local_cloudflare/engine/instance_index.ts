// The instances of one Workflow, kept in memory and brought up to date by what changed on disk. What stands beside the
// engine's files is a copy, so that a start of the platform reads only those that changed since.

import fs from 'node:fs';
import path from 'node:path';
import { names, readJson, writeJson } from '../system/files.ts';
import { isFinal, type Outline } from './instance_file.ts';
import { readOutline } from './summary.ts';

const SUFFIX = '.sqlite';
const WRITTEN = /^(.+\.sqlite)(?:-wal)?$/;
const NO_ALARMS = 'metadata.sqlite';
const COPY = 'runs.json';
const FORMAT = 1;
/** Where the system tells of every write. Elsewhere it may not, and what is unfinished is looked at each time. */
const TELLS_WRITES = process.platform === 'linux';
/** The system drops what it could tell when it is too much: so now and then all is looked at. */
const UNFINISHED_MILLISECONDS = TELLS_WRITES ? 3000 : 0;
const ALL_MILLISECONDS = 60_000;
const SAVE_MILLISECONDS = 10_000;

/** The stamp that is like no other. */
const UNSURE = '';
const STEP_MILLISECONDS = 100;

export interface Row extends Outline {
  /** Equal for an engine's file that nobody wrote to. */
  stamp: string;
}

interface Copy {
  format: number;
  rows: Record<string, Row>;
}

export class RunIndex {
  readonly #folder: string;
  #rows = new Map<string, Row>();
  readonly #dirty = new Set<string>();
  /** The ids that became final and nobody has asked for, and when. */
  readonly #ended = new Map<string, string>();
  #sorted: Row[] | undefined;
  #watcher: fs.FSWatcher | undefined;
  #lookedAtUnfinished = 0;
  #lookedAtAll = 0;
  #saved = Date.now();
  #isSaved = true;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** All rows, newest first, as of now. */
  async rows(): Promise<readonly Row[]> {
    await this.#refresh();
    this.#sorted ??= [...this.#rows.values()].sort(newestFirst);
    return this.#sorted;
  }

  /** The ids that became final after `since`, in ISO form, each of which is told once. */
  async ended(since: string): Promise<string[]> {
    await this.#refresh();
    const ended = [...this.#ended].filter(([, at]) => at >= since);
    this.#ended.clear();
    return ended.map(([id]) => id);
  }

  async #refresh(): Promise<void> {
    await turn();
    if (!this.#isThere()) return;
    const now = Date.now();
    if (now - this.#lookedAtAll >= ALL_MILLISECONDS) this.#suspectAll(now);
    if (now - this.#lookedAtUnfinished >= UNFINISHED_MILLISECONDS) this.#suspectUnfinished(now);
    for (const file of this.#dirty) this.#look(file);
    this.#dirty.clear();
    if (!this.#isSaved && now - this.#saved >= SAVE_MILLISECONDS) this.save();
  }

  /** Return whether there is a folder, which is watched from now on. */
  #isThere(): boolean {
    if (!fs.existsSync(this.#folder)) this.#reset();
    else if (!this.#watcher) this.#open();
    return this.#watcher !== undefined;
  }

  #reset(): void {
    this.close();
    this.#rows.clear();
    this.#changed();
  }

  #open(): void {
    const copy = readCopy(path.join(this.#folder, COPY));
    this.#rows = new Map(Object.entries(copy));
    this.#watcher = fs.watch(this.#folder, { persistent: false }, (_, name) => this.#suspect(name));
    this.#watcher.on('error', () => undefined);
    this.#lookedAtAll = 0;
  }

  #suspect(name: string | null): void {
    const file = WRITTEN.exec(name ?? '')?.[1];
    if (file !== undefined && file !== NO_ALARMS) this.#dirty.add(file);
  }

  #suspectAll(now: number): void {
    this.#lookedAtAll = now;
    for (const file of this.#rows.keys()) this.#dirty.add(file);
    for (const name of names(this.#folder)) if (name.endsWith(SUFFIX)) this.#suspect(name);
  }

  #suspectUnfinished(now: number): void {
    this.#lookedAtUnfinished = now;
    for (const [file, row] of this.#rows) if (!isFinal(row.engine)) this.#dirty.add(file);
  }

  #look(name: string): void {
    const file = path.join(this.#folder, name);
    const stamp = stampOf(file);
    const before = this.#rows.get(name);
    if (stamp !== UNSURE && before?.stamp === stamp) return;
    const outline = readOutline(file);
    if (outline) this.#keep(name, { ...outline, stamp });
    else if (this.#rows.delete(name)) this.#changed();
  }

  #keep(name: string, row: Row): void {
    const before = this.#rows.get(name);
    const isNews = !(before && isFinal(before.engine));
    if (isNews && isFinal(row.engine)) this.#ended.set(row.id, row.modified);
    this.#rows.set(name, row);
    this.#changed();
  }

  #changed(): void {
    this.#sorted = undefined;
    this.#isSaved = false;
  }

  save(): void {
    if (this.#isSaved || !fs.existsSync(this.#folder)) return;
    const copy: Copy = { format: FORMAT, rows: Object.fromEntries(this.#rows) };
    writeJson(path.join(this.#folder, COPY), copy);
    this.#saved = Date.now();
    this.#isSaved = true;
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}

/** Let the system's news come in, that of what was written before now too. */
async function turn(): Promise<void> {
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
 * An empty log is what a reader of a closed file leaves: as good as none. A file that was just written to may be so
 * again with the same time and size, which both go by steps.
 */
function stampOf(file: string): string {
  const [main, log] = [file, `${file}-wal`].map((name) => fs.statSync(name, { throwIfNoEntry: false }));
  const written = Math.max(main?.mtimeMs ?? 0, log?.mtimeMs ?? 0);
  if (Date.now() - written < STEP_MILLISECONDS) return UNSURE;
  return `${main?.mtimeMs}:${main?.size}:${log?.size ? `${log.mtimeMs}:${log.size}` : ''}`;
}

/** Those of one moment in the order of their ids, so that a page always ends at the same one. */
export function newestFirst(one: Row, other: Row): number {
  if (one.createdOn !== other.createdOn) return one.createdOn < other.createdOn ? 1 : -1;
  return one.id < other.id ? 1 : -1;
}
