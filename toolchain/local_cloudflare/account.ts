// The account's records, in memory and on disk. Each record is a file of its own, so that a deploy writes as much
// with fifty Workers as with one.

import { randomBytes, randomUUID } from 'node:crypto';
import path from 'node:path';
import { isSecret } from './bindings.ts';
import { names, readJson, remove, writeJson } from './files.ts';
import type {
  Binding,
  Bucket,
  Database,
  Namespace,
  Queue,
  Source,
  Version,
  Worker,
  Workflow,
} from './model.ts';

const VERSIONS_KEPT = 100;

export const now = (): string => new Date().toISOString();

export class Account {
  readonly id: string;
  readonly workers = new Map<string, Worker>();
  readonly workflows = new Map<string, Workflow>();
  readonly namespaces: Shelf<Namespace>;
  readonly databases: Shelf<Database>;
  readonly buckets: Shelf<Bucket>;
  /** By name, which is what bindings and consumers say. */
  readonly queues: Shelf<Queue>;
  readonly #folder: string;
  readonly #versions = new Map<string, Version>();

  constructor(id: string, folder: string) {
    this.id = id;
    this.#folder = folder;
    this.namespaces = new Shelf(path.join(folder, 'kv.json'), (item) => item.id);
    this.databases = new Shelf(path.join(folder, 'd1.json'), (item) => item.uuid);
    this.buckets = new Shelf(path.join(folder, 'r2.json'), (item) => item.name);
    this.queues = new Shelf(path.join(folder, 'queues.json'), (item) => item.name);
    this.#load('workers', this.workers);
    this.#load('workflows', this.workflows);
  }

  #load<T extends { name: string }>(kind: string, into: Map<string, T>): void {
    const folder = path.join(this.#folder, kind);
    for (const file of names(folder)) {
      const record = readJson<T>(path.join(folder, file));
      if (record) into.set(record.name, record);
    }
  }

  keepWorker(worker: Worker): void {
    const isKept = ({ id }: { id: string }, index: number) => index < VERSIONS_KEPT || id === worker.live;
    const versions = worker.versions.filter(isKept);
    for (const old of worker.versions.filter((version) => !versions.includes(version)))
      this.#dropVersion(worker.name, old.id);
    const kept = { ...worker, versions };
    this.workers.set(worker.name, kept);
    writeJson(this.#file('workers', worker.name), kept);
    this.#forgetOld(kept);
  }

  /** Memory holds the version that answers and the newest; the others are read when asked for. */
  #forgetOld({ versions, live }: Worker): void {
    for (const { id } of versions.slice(1)) if (id !== live) this.#versions.delete(id);
  }

  keepVersion(worker: string, version: Version): void {
    this.#versions.set(version.id, version);
    writeJson(this.#versionFile(worker, version.id), version);
  }

  version(worker: string, id: string): Version | undefined {
    const known = this.#versions.get(id);
    if (known) return known;
    const read = readJson<Version>(this.#versionFile(worker, id));
    if (read) this.#versions.set(id, read);
    return read;
  }

  /** Undo an upload that did not start; a Worker of which that was all is gone too. */
  forgetVersion(name: string, id: string): void {
    const worker = this.workers.get(name);
    if (!worker) return;
    this.#dropVersion(name, id);
    const versions = worker.versions.filter((version) => version.id !== id);
    if (versions.length > 0) this.keepWorker({ ...worker, versions });
    else this.dropWorker(name);
  }

  #dropVersion(worker: string, id: string): void {
    this.#versions.delete(id);
    remove(this.#versionFile(worker, id));
  }

  /** The version that answers requests. */
  live(worker: Worker): Version | undefined {
    return worker.live ? this.version(worker.name, worker.live) : undefined;
  }

  /** The version that a new one inherits from. */
  newest(worker: Worker): Version | undefined {
    const newest = worker.versions[0];
    return newest && this.version(worker.name, newest.id);
  }

  dropWorker(name: string): void {
    const worker = this.workers.get(name);
    for (const version of worker?.versions ?? []) this.#versions.delete(version.id);
    this.workers.delete(name);
    remove(this.#file('workers', name));
    remove(path.join(this.#folder, 'versions', name));
  }

  keepWorkflow(workflow: Workflow): void {
    this.workflows.set(workflow.name, workflow);
    writeJson(this.#file('workflows', workflow.name), workflow);
  }

  dropWorkflow(name: string): void {
    this.workflows.delete(name);
    remove(this.#file('workflows', name));
  }

  /** The Workers whose live version has such a binding. */
  usersOf(matches: (binding: Binding) => boolean): string[] {
    return [...this.workers.values()]
      .filter((worker) => this.live(worker)?.bindings.some(matches))
      .map((worker) => worker.name);
  }

  secretsOf(worker: Worker): Binding[] {
    return (this.live(worker)?.bindings ?? []).filter(isSecret);
  }

  #file(kind: string, name: string): string {
    return path.join(this.#folder, kind, `${name}.json`);
  }

  #versionFile(worker: string, id: string): string {
    return path.join(this.#folder, 'versions', worker, `${id}.json`);
  }
}

/** A short list that is one file. */
export class Shelf<T> {
  readonly #file: string;
  readonly #key: (item: T) => string;
  #items: T[];

  constructor(file: string, key: (item: T) => string) {
    this.#file = file;
    this.#key = key;
    this.#items = readJson<T[]>(file) ?? [];
  }

  all(): readonly T[] {
    return this.#items;
  }

  get(key: string): T | undefined {
    return this.#items.find((item) => this.#key(item) === key);
  }

  add(item: T): void {
    this.#keep([...this.#items, item]);
  }

  /** Put the item in the place of the one with its key. */
  replace(item: T): void {
    this.#keep(this.#items.map((other) => (this.#key(other) === this.#key(item) ? item : other)));
  }

  drop(key: string): void {
    this.#keep(this.#items.filter((item) => this.#key(item) !== key));
  }

  #keep(items: T[]): void {
    writeJson(this.#file, items);
    this.#items = items;
  }
}

export function newWorker(name: string, source: Source): Worker {
  const time = now();
  return {
    name,
    tag: randomBytes(16).toString('hex'),
    created_on: time,
    modified_on: time,
    last_deployed_from: source,
    live: '',
    versions: [],
    deployments: [],
    schedules: [],
    settings: {},
    subdomain: { enabled: false, previews_enabled: false },
  };
}

export const newId = (): string => randomUUID();
