// The permits that Workflow instances need to run, for all groups of the account: as many as its concurrency limit.
// Instances without a permit are queued, and get one in the order of their requests. The engine (engine.js) requests them.
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
  operation: 'acquire' | 'release';
}

/** An instance that has not ended, according to its file. */
export interface Unfinished extends InstanceName {
  state: 'queued' | 'running' | 'waiting' | 'paused';
  /** When it last changed. */
  since: string;
}

const keyOf = ({ workflow, id }: InstanceName): string => `${workflow}/${id}`;

export class Permits {
  readonly #limit: number;
  readonly #running = new Map<string, Entry>();
  /** The longest waiting first. */
  readonly #queued = new Map<string, Entry>();
  /** Informs a queued instance that it may run. If that fails, its next request tells it. */
  onGrant: (name: InstanceName) => void = () => undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Called when the platform has started. */
  restore(instances: Unfinished[]): void {
    const oldestFirst = instances.toSorted(
      (first, second) => Date.parse(first.since) - Date.parse(second.since),
    );
    for (const { workflow, id, state } of oldestFirst) {
      const entries = { queued: this.#queued, running: this.#running, waiting: undefined, paused: undefined };
      entries[state]?.set(keyOf({ workflow, id }), { workflow, id });
    }
    this.#grant();
  }

  /** Serve a request from the engine. */
  readonly receive = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { operation, ...entry } = (await json(request)) as Request;
    response.end(JSON.stringify(operation === 'acquire' ? this.acquire(entry) : this.release(entry)));
  };

  /** Return whether the instance may run now; otherwise it is queued. */
  acquire(entry: Entry): boolean {
    const key = keyOf(entry);
    const mayRun = this.#running.has(key) || (this.#queued.size === 0 && this.#running.size < this.#limit);
    (mayRun ? this.#running : this.#queued).set(key, entry);
    return mayRun;
  }

  /** The instance no longer runs, or is no longer queued. Return whether the request is not obsolete. */
  release(entry: Entry): boolean {
    const known = this.#running.get(keyOf(entry)) ?? this.#queued.get(keyOf(entry));
    if (known?.object !== undefined && known.object !== entry.object) return false;
    this.#forget(entry);
    return true;
  }

  get hasQueued(): boolean {
    return this.#queued.size > 0;
  }

  /** The instances of all or of these Workflows that have a permit or are queued. */
  entries(workflows?: string[]): Entry[] {
    const all = [...this.#running.values(), ...this.#queued.values()];
    return all.filter(({ workflow }) => workflows?.includes(workflow) ?? true);
  }

  /**
   * Compare entries with the instances, which were read afterwards: forget entries without an instance, and inform
   * queued instances that may run. An entry that has changed since is left alone.
   */
  reconcile(entries: Entry[], instances: Unfinished[]): void {
    const found = new Map(instances.map((instance) => [keyOf(instance), instance]));
    for (const entry of entries) {
      const key = keyOf(entry);
      const hasPermit = this.#running.get(key) === entry;
      if (!hasPermit && this.#queued.get(key) !== entry) continue;
      const instance = found.get(key);
      if (!instance) this.#forget(entry);
      else if (hasPermit && instance.state === 'queued') this.onGrant(entry);
    }
  }

  #forget(entry: Entry): void {
    this.#running.delete(keyOf(entry));
    this.#queued.delete(keyOf(entry));
    this.#grant();
  }

  #grant(): void {
    for (const [key, entry] of this.#queued) {
      if (this.#running.size >= this.#limit) return;
      this.#queued.delete(key);
      this.#running.set(key, entry);
      this.onGrant(entry);
    }
  }
}
