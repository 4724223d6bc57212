// The permits that Workflow instances need to run, for all groups of the account: as many as its concurrency limit, and for
// each Workflow as many as its own. Instances without a permit are queued, and get one in the order of their requests; those
// of a Workflow at its own limit do not hold up others. The engine (engine.js) requests permits.
//
// Nothing is stored: the instances' own files show which were running or queued when the platform ended. An instance
// whose process ends keeps its permit or its place in the queue, because the next process continues it.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';

export interface InstanceName {
  workflow: string;
  id: string;
}

interface Entry extends InstanceName {
  /** The engine's object that made the request; unknown after the end of its process. */
  object?: string;
}

interface Request extends Entry {
  operation: 'acquire' | 'release' | 'unload';
  /** When the wait of an instance ends that leaves memory. */
  wakesAt?: number;
}

/** An instance that has not ended, according to its file. */
export interface Unfinished extends InstanceName {
  state: 'queued' | 'running' | 'waiting' | 'paused';
  /** When it last changed. */
  since: string;
  /** When its wait ends, if it needs no process until then. */
  wakesAt?: number | undefined;
}

export const keyOf = ({ workflow, id }: InstanceName): string => `${workflow}/${id}`;

export class Permits {
  /** The account's concurrency limit. */
  readonly limit: number;
  readonly #limitOf: (workflow: string) => number;
  /** How many instances this host can run at the same time. */
  readonly #capacity: number;
  /** How many instances of each Workflow have a permit. */
  readonly #counts = new Map<string, number>();
  readonly #running = new Map<string, Entry>();
  /** The longest waiting first. */
  readonly #queued = new Map<string, Entry>();
  /** The instances that have got a permit, and do not know it yet: they are being informed, or that has failed. */
  readonly #uninformed = new Map<string, 'calling' | 'failed'>();
  /** Informs a queued instance that it may run. If that fails, it is informed again when entries are reconciled. */
  onGrant: (name: InstanceName) => Promise<void> = async () => undefined;
  /** An instance that waits has left memory; its wait ends at this time. */
  onUnload: (name: InstanceName, wakesAt: number) => void = () => undefined;

  constructor(limit: number, limitOf: (workflow: string) => number, capacity = Infinity) {
    this.limit = limit;
    this.#limitOf = limitOf;
    this.#capacity = Math.min(limit, capacity);
  }

  /** Called when the platform has started. */
  restore(instances: Unfinished[]): void {
    const oldestFirst = instances.toSorted(
      (first, second) => Date.parse(first.since) - Date.parse(second.since),
    );
    for (const { workflow, id, state } of oldestFirst) {
      if (state === 'queued') this.#queued.set(keyOf({ workflow, id }), { workflow, id });
      if (state === 'running') this.#run({ workflow, id });
    }
    this.#grant();
  }

  /** Serve a request from the engine. */
  readonly receive = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    response.end(JSON.stringify(this.#serve((await json(request)) as Request)));
  };

  #serve({ operation, wakesAt, ...entry }: Request): boolean {
    if (operation === 'acquire') return this.acquire(entry);
    if (operation === 'release') return this.release(entry);
    if (wakesAt !== undefined) this.onUnload(entry, wakesAt);
    return true;
  }

  /** Return whether the instance may run now; otherwise it is queued. */
  acquire(entry: Entry): boolean {
    const key = keyOf(entry);
    this.#uninformed.delete(key);
    (this.#running.has(key) ? this.#running : this.#queued).set(key, entry);
    this.#grant(entry);
    return this.#running.has(key);
  }

  /** The instance no longer runs, or is no longer queued. Return whether the request is not obsolete. */
  release(entry: Entry): boolean {
    const known = this.#running.get(keyOf(entry)) ?? this.#queued.get(keyOf(entry));
    if (known?.object !== undefined && known.object !== entry.object) return false;
    this.#forget(entry);
    return true;
  }

  /** Queue an instance that has left memory, and inform it as soon as it may run. */
  request({ workflow, id }: InstanceName): void {
    const key = keyOf({ workflow, id });
    if (this.#running.has(key) || this.#queued.has(key)) return;
    this.#queued.set(key, { workflow, id });
    this.#grant();
  }

  /** Whether instances wait for a permit, or do not know that they have one. */
  get isAwaited(): boolean {
    return this.#queued.size + this.#uninformed.size > 0;
  }

  /** The instances of all or of these Workflows that have a permit or are queued. */
  entries(workflows?: string[]): Entry[] {
    const all = [...this.#running.values(), ...this.#queued.values()];
    return all.filter(({ workflow }) => workflows?.includes(workflow) ?? true);
  }

  /**
   * Compare entries with the instances, which were read afterwards: forget entries without an instance, and inform
   * queued instances that may run, also because a limit has changed. An entry that has changed since is left alone.
   */
  reconcile(entries: Entry[], instances: Unfinished[]): void {
    const found = new Map(instances.map((instance) => [keyOf(instance), instance]));
    for (const entry of entries) {
      const key = keyOf(entry);
      const hasPermit = this.#running.get(key) === entry;
      if (!hasPermit && this.#queued.get(key) !== entry) continue;
      const instance = found.get(key);
      if (!instance) this.#forget(entry);
      else if (hasPermit && (instance.state === 'queued' || this.#uninformed.has(key))) this.#inform(entry);
    }
    this.#grant();
  }

  #forget(entry: Entry): void {
    if (this.#running.delete(keyOf(entry))) this.#count(entry, -1);
    this.#queued.delete(keyOf(entry));
    this.#uninformed.delete(keyOf(entry));
    this.#grant();
  }

  #inform(entry: Entry): void {
    const key = keyOf(entry);
    if (this.#uninformed.get(key) === 'calling') return;
    this.#uninformed.set(key, 'calling');
    this.onGrant(entry).then(
      () => this.#uninformed.delete(key),
      () => this.#uninformed.has(key) && this.#uninformed.set(key, 'failed'),
    );
  }

  /** Let queued instances run, and inform them, except the one whose request is being answered. */
  #grant(requesting?: Entry): void {
    for (const entry of this.#queued.values()) {
      if (this.#running.size >= this.#capacity) return;
      if (this.#countOf(entry) >= this.#limitOf(entry.workflow)) continue;
      this.#run(entry);
      if (entry !== requesting) this.#inform(entry);
    }
  }

  #run(entry: Entry): void {
    this.#queued.delete(keyOf(entry));
    this.#running.set(keyOf(entry), entry);
    this.#count(entry, 1);
  }

  #countOf = ({ workflow }: Entry): number => this.#counts.get(workflow) ?? 0;

  #count(entry: Entry, change: number): void {
    this.#counts.set(entry.workflow, this.#countOf(entry) + change);
  }
}
