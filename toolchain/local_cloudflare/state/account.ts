// The account's records, in memory and on disk. Workers, versions and Workflows have a file each, so that the cost of a
// deploy does not grow with their number.

import path from 'node:path';
import { listFolder, readJson, remove, writeJson } from '../system/files.ts';
import { AssetStore } from './assets.ts';
import { JsonList } from './json_list.ts';
import { variantName } from './nodes.ts';
import {
  type Binding,
  type Bucket,
  type Database,
  isSecret,
  type Namespace,
  type Queue,
  type Share,
  type Version,
  type Worker,
  type Workflow,
} from './records.ts';
import { Zones } from './zones.ts';

export const MAX_VERSIONS = 100;
const DEFAULT_SUBDOMAIN = 'local';

export class Account {
  readonly id: string;
  readonly workers = new Map<string, Worker>();
  readonly workflows = new Map<string, Workflow>();
  readonly namespaces: JsonList<Namespace>;
  readonly databases: JsonList<Database>;
  readonly buckets: JsonList<Bucket>;
  /** By name, because bindings and consumers refer to queues by name. */
  readonly queues: JsonList<Queue>;
  readonly zones: Zones;
  readonly assets: AssetStore;
  readonly #folder: string;
  readonly #versions = new Map<string, Version>();
  /** The ids of versions that run only for their preview URLs, by Worker. */
  readonly #previews = new Map<string, string[]>();

  constructor(id: string, folder: string) {
    this.id = id;
    this.#folder = folder;
    this.namespaces = new JsonList(path.join(folder, 'kv.json'), (item) => item.id);
    this.databases = new JsonList(path.join(folder, 'd1.json'), (item) => item.uuid);
    this.buckets = new JsonList(path.join(folder, 'r2.json'), (item) => item.name);
    this.queues = new JsonList(path.join(folder, 'queues.json'), (item) => item.name);
    this.zones = new Zones(folder);
    this.assets = new AssetStore(path.join(folder, 'assets'));
    this.#load('workers', this.workers);
    this.#load('workflows', this.workflows);
  }

  #load<T extends { name: string }>(kind: string, into: Map<string, T>): void {
    const folder = path.join(this.#folder, kind);
    for (const file of listFolder(folder)) {
      const record = readJson<T>(path.join(folder, file));
      if (record) into.set(record.name, record);
    }
  }

  /** The account's workers.dev subdomain; empty if it has none. */
  get subdomain(): string {
    return readJson<string>(path.join(this.#folder, 'subdomain.json')) ?? DEFAULT_SUBDOMAIN;
  }

  set subdomain(name: string) {
    writeJson(path.join(this.#folder, 'subdomain.json'), name);
  }

  saveWorker(worker: Worker): void {
    const running = this.#runningIds(worker);
    const isKept = ({ id }: { id: string }, index: number) => index < MAX_VERSIONS || running.includes(id);
    const versions = worker.versions.filter(isKept);
    for (const old of worker.versions.filter((version) => !versions.includes(version)))
      this.#deleteVersion(worker.name, old.id);
    const kept = { ...worker, versions };
    this.workers.set(worker.name, kept);
    writeJson(this.#file('workers', worker.name), kept);
    this.#evictOld(kept);
  }

  /** Keep only the running and the newest version in memory; the others are read from disk when needed. */
  #evictOld(worker: Worker): void {
    const running = this.#runningIds(worker);
    for (const { id } of worker.versions.slice(1)) if (!running.includes(id)) this.#versions.delete(id);
  }

  /** The live version first. */
  #runningIds({ name, live, split = [] }: Worker): string[] {
    const ids = [live, ...split.map((share) => share.version_id), ...(this.#previews.get(name) ?? [])];
    return [...new Set(ids)].filter(Boolean);
  }

  saveVersion(worker: string, version: Version): void {
    if (version.assets) this.assets.link(version.id, version.assets);
    writeJson(this.#versionFile(worker, version.id), version);
    this.#versions.set(version.id, version);
  }

  version(worker: string, id: string): Version | undefined {
    const version = this.#versions.get(id) ?? readJson<Version>(this.#versionFile(worker, id));
    if (version) this.#versions.set(id, version);
    return version;
  }

  /** Delete a version that did not start, and the Worker if it has no other. */
  discardVersion(name: string, id: string): void {
    const worker = this.workers.get(name);
    if (!worker) return;
    this.#deleteVersion(name, id);
    const versions = worker.versions.filter((version) => version.id !== id);
    if (versions.length > 0) this.saveWorker({ ...worker, versions });
    else this.deleteWorker(name);
  }

  #deleteVersion(worker: string, id: string): void {
    this.assets.unlink(id);
    this.#versions.delete(id);
    remove(this.#versionFile(worker, id));
  }

  /** The version that serves requests, with the secrets it uses. */
  live(worker: Worker): Version | undefined {
    const version = worker.live ? this.version(worker.name, worker.live) : undefined;
    if (!version || !worker.live_secrets) return version;
    const others = version.bindings.filter((binding) => !isSecret(binding));
    return { ...version, bindings: [...others, ...worker.live_secrets] };
  }

  /** The versions that run, and the names under which they do; the live version has the Worker's name. */
  running(worker: Worker): { name: string; version: Version }[] {
    const live = this.live(worker);
    const others = this.#runningIds(worker).filter((id) => id !== worker.live);
    return [
      ...(live ? [{ name: worker.name, version: live }] : []),
      ...others.flatMap((id) => {
        const version = this.version(worker.name, id);
        return version ? [{ name: variantName(worker.name, id), version }] : [];
      }),
    ];
  }

  /** How requests are divided between the live versions. */
  shares({ live, split }: Worker): Share[] {
    return split ?? (live ? [{ version_id: live, percentage: 100 }] : []);
  }

  previews(worker: string): readonly string[] {
    return this.#previews.get(worker) ?? [];
  }

  setPreviews(worker: string, ids: readonly string[]): void {
    this.#previews.set(worker, [...ids]);
  }

  /** The version that a new version inherits bindings from. */
  newest(worker: Worker): Version | undefined {
    const newest = worker.versions[0];
    return newest && this.version(worker.name, newest.id);
  }

  deleteWorker(name: string): void {
    const worker = this.workers.get(name);
    for (const version of worker?.versions ?? []) {
      this.#versions.delete(version.id);
      this.assets.unlink(version.id);
    }
    this.workers.delete(name);
    this.#previews.delete(name);
    this.zones.deleteWorker(name);
    remove(this.#file('workers', name));
    remove(path.join(this.#folder, 'versions', name));
  }

  saveWorkflow(workflow: Workflow): void {
    this.workflows.set(workflow.name, workflow);
    writeJson(this.#file('workflows', workflow.name), workflow);
  }

  deleteWorkflow(name: string): void {
    this.workflows.delete(name);
    remove(this.#file('workflows', name));
  }

  /** The names of the Workers with a running version that has a matching binding. */
  workersWithBinding(matches: (binding: Binding) => boolean): string[] {
    return [...this.workers.values()]
      .filter((worker) => this.running(worker).some(({ version }) => version.bindings.some(matches)))
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
