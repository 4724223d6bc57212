// The account's records, in memory and on disk. Each record is a file of its own, so that a deploy writes as much
// with fifty Workers as with one.

import path from 'node:path';
import { names, readJson, remove, writeJson } from '../system/files.ts';
import { Shelf } from './json_list.ts';
import {
  type Binding,
  type Bucket,
  type Database,
  isSecret,
  type Namespace,
  type Queue,
  type Version,
  type Worker,
  type Workflow,
} from './records.ts';
import { Zones } from './zones.ts';

export const VERSIONS_KEPT = 100;
const SUBDOMAIN = 'local';

export class Account {
  readonly id: string;
  readonly workers = new Map<string, Worker>();
  readonly workflows = new Map<string, Workflow>();
  readonly namespaces: Shelf<Namespace>;
  readonly databases: Shelf<Database>;
  readonly buckets: Shelf<Bucket>;
  /** By name, which is what bindings and consumers say. */
  readonly queues: Shelf<Queue>;
  readonly zones: Zones;
  readonly #folder: string;
  readonly #versions = new Map<string, Version>();

  constructor(id: string, folder: string) {
    this.id = id;
    this.#folder = folder;
    this.namespaces = new Shelf(path.join(folder, 'kv.json'), (item) => item.id);
    this.databases = new Shelf(path.join(folder, 'd1.json'), (item) => item.uuid);
    this.buckets = new Shelf(path.join(folder, 'r2.json'), (item) => item.name);
    this.queues = new Shelf(path.join(folder, 'queues.json'), (item) => item.name);
    this.zones = new Zones(folder);
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

  /** The account's part of workers.dev; empty where it has none. */
  get subdomain(): string {
    return readJson<string>(path.join(this.#folder, 'subdomain.json')) ?? SUBDOMAIN;
  }

  set subdomain(name: string) {
    writeJson(path.join(this.#folder, 'subdomain.json'), name);
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

  /** The version that answers requests, with the secrets that it answers with. */
  live(worker: Worker): Version | undefined {
    const version = worker.live ? this.version(worker.name, worker.live) : undefined;
    if (!version || !worker.live_secrets) return version;
    const others = version.bindings.filter((binding) => !isSecret(binding));
    return { ...version, bindings: [...others, ...worker.live_secrets] };
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
    this.zones.forgetWorker(name);
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
