// All groups: made, joined, split, started and stopped as the account's records ask.

import path from 'node:path';
import type { Account } from './account.ts';
import { startFailed } from './errors.ts';
import { Group } from './group.ts';
import { erase, gather } from './layout.ts';
import type { Logs } from './logs.ts';
import { Mutex } from './mutex.ts';
import { groupOptions } from './options.ts';
import { makePlan, type Plan } from './plan.ts';
import { type Runtime, StartFailed } from './runtime.ts';
import type { Settings } from './settings.ts';

const SWEEP_MILLISECONDS = 1000;
const EAGER_AT_ONCE = 2;

export interface Used {
  group: Group;
  runtime: Runtime;
  release: () => void;
}

export class Groups {
  readonly #account: Account;
  readonly #settings: Settings;
  readonly #logs: Logs;
  readonly #folder: string;
  readonly #groups = new Map<string, Group>();
  /** Held while records and plan change; not while a process starts. */
  readonly #planning = new Mutex();
  #plan: Plan = { groupOf: new Map(), members: new Map() };
  #sweep: NodeJS.Timeout | undefined;

  constructor(account: Account, settings: Settings, logs: Logs) {
    this.#account = account;
    this.#settings = settings;
    this.#logs = logs;
    this.#folder = path.join(settings.state, 'groups');
  }

  /** Take up what the last process left, and start the groups that have something to go on with. */
  async open(): Promise<void> {
    this.#plan = makePlan(this.#account);
    for (const key of this.#plan.members.keys()) this.#settle(this.#group(key));
    const waiting = [...this.#groups.values()].filter((group) => this.#mustRun(group));
    const start = async (): Promise<void> => {
      for (let group = waiting.pop(); group; group = waiting.pop())
        await group.ready().catch((error: Error) => this.#logs.platform(`${group?.key}: ${error.message}`));
    };
    await Promise.all(Array.from({ length: EAGER_AT_ONCE }, start));
    this.#sweep = setInterval(() => void this.#stopIdle(), SWEEP_MILLISECONDS);
    this.#sweep.unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#sweep);
    await Promise.all([...this.#groups.values()].map((group) => group.mutex.run(() => group.stop())));
  }

  of(node: string): Group | undefined {
    const key = this.#plan.groupOf.get(node);
    return key === undefined ? undefined : this.#groups.get(key);
  }

  /** The group of a node, when nothing is being changed about it. */
  async settled(node: string): Promise<Group | undefined> {
    for (;;) {
      const group = this.of(node);
      await group?.mutex.idle();
      if (group === this.of(node)) return group;
    }
  }

  /** Count a use in, with its way out; the group may have been replaced while we waited for it. */
  async acquire(node: string): Promise<Used | undefined> {
    for (;;) {
      const group = await this.settled(node);
      if (
        group === undefined ||
        group.options.workers.length + Object.keys(group.options.resources).length === 0
      )
        return undefined;
      const runtime = await group.acquire();
      if (group === this.of(node) && group.runtime === runtime)
        return { group, runtime, release: once(() => group.release()) };
      group.release();
    }
  }

  async use<T>(node: string, work: (runtime: Runtime) => Promise<T>): Promise<T | undefined> {
    const used = await this.acquire(node);
    if (used === undefined) return undefined;
    try {
      return await work(used.runtime);
    } finally {
      used.release();
    }
  }

  /**
   * Change the records by `change`, and bring the processes after them. `node` is what must run afterwards, if
   * anything: where its process does not start, `undo` is called, all is as before, and the error is thrown.
   */
  async apply(change: () => void, node?: string, undo?: () => void): Promise<void> {
    const affected = await this.#planning.run(() => this.#replan(change));
    try {
      await this.#startAll(affected, node);
    } catch (error) {
      for (const leave of affected.values()) leave();
      if (!(error instanceof StartFailed)) throw error;
      if (undo) await this.apply(undo);
      throw startFailed(error.message);
    }
  }

  /** Remove a resource's state, once no plan has it. */
  async erase(node: string): Promise<void> {
    const keys = [...this.#groups.keys()];
    for (const key of keys) erase(this.#folder, key, node);
  }

  /** Change the records, stop the groups that this changes, move state, and return them with their mutexes held. */
  async #replan(change: () => void): Promise<Map<Group, () => void>> {
    change();
    const plan = makePlan(this.#account);
    const affected = this.#changed(plan);
    const held = new Map<Group, () => void>();
    for (const group of affected) held.set(group, await group.mutex.enter());
    await Promise.all(affected.map((group) => group.stop()));
    this.#plan = plan;
    for (const group of affected) this.#settle(group);
    for (const [key, group] of this.#groups) if (!plan.members.has(key)) this.#forget(key, group);
    return held;
  }

  #changed(plan: Plan): Group[] {
    const changed = new Set<Group>();
    for (const [key, nodes] of plan.members)
      if (groupOptions(this.#account, nodes).fingerprint !== this.#group(key).options.fingerprint)
        changed.add(this.#group(key));
    for (const [key, group] of this.#groups) if (!plan.members.has(key)) changed.add(group);
    return [...changed].sort((one, other) => (one.key < other.key ? -1 : 1));
  }

  /** Give the group what the plan says of it, and its state. */
  #settle(group: Group): void {
    const nodes = this.#plan.members.get(group.key) ?? [];
    group.nodes = nodes;
    group.options = groupOptions(this.#account, nodes);
    group.finals.clear();
    gather(this.#folder, group.key, nodes);
  }

  #forget(key: string, group: Group): void {
    group.nodes = [];
    this.#groups.delete(key);
  }

  /** Start the group of `node`, and those that were stopped with something to do; let each go when it is ready. */
  async #startAll(affected: Map<Group, () => void>, node: string | undefined): Promise<void> {
    const wanted = node === undefined ? undefined : this.of(node);
    for (const [group, leave] of affected) {
      if (group !== wanted && !this.#mustRun(group)) {
        leave();
        continue;
      }
      const started = await group.start();
      void started.revived.catch((error: Error) => this.#logs.platform(error.message)).finally(leave);
    }
  }

  #mustRun(group: Group): boolean {
    return group.options.workers.length > 0 && (this.#hasCron(group) || group.hasLiveInstances());
  }

  #hasCron(group: Group): boolean {
    return group.nodes.some(
      (node) => (this.#account.workers.get(node.replace(/^worker:/, ''))?.schedules.length ?? 0) > 0,
    );
  }

  async #stopIdle(): Promise<void> {
    const quiet = (group: Group) =>
      group.isRunning && !group.isUsed && Date.now() - group.lastUsed > this.#settings.idleMilliseconds;
    for (const group of [...this.#groups.values()].filter(quiet))
      await group.mutex.run(async () => {
        if (quiet(group) && !this.#mustRun(group)) await group.stop();
        else group.lastUsed = Date.now(); // look again after another idle time
      });
  }

  #group(key: string): Group {
    const known = this.#groups.get(key);
    if (known) return known;
    const group = new Group(key, {
      folder: this.#folder,
      milliseconds: this.#settings.startMilliseconds,
      onLog: (line) => this.#logs.group(key, line),
      paused: (workflow) => this.#account.workflows.get(workflow)?.paused ?? [],
    });
    this.#groups.set(key, group);
    return group;
  }

  /** How often each group's process was started, by group: for tests and benchmarks. */
  starts(): Record<string, number> {
    return Object.fromEntries([...this.#groups].map(([key, group]) => [key, group.starts]));
  }
}

function once(work: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) work();
    isDone = true;
  };
}
