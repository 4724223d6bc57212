// All groups: made, joined, split, started and stopped as the account's records ask.

import path from 'node:path';
import { RunReader } from '../engine/reader.ts';
import { startFailed } from '../http/errors.ts';
import type { Account } from '../state/account.ts';
import { erase, gather } from '../state/layout.ts';
import { names } from '../system/files.ts';
import type { Logs } from '../system/logs.ts';
import { Mutex } from '../system/mutex.ts';
import { endBy } from '../system/processes.ts';
import type { Tails } from '../tails/tails.ts';
import { Group } from './group.ts';
import { groupOptions } from './group_options.ts';
import { makePlan, type Plan } from './plan.ts';
import { noteOf, type Runtime, StartFailed } from './runtime.ts';

const SWEEP_MILLISECONDS = 1000;
const EAGER_AT_ONCE = 2;

export interface GroupSettings {
  state: string;
  idleMilliseconds: number;
  startMilliseconds: number;
}

export interface Used {
  group: Group;
  runtime: Runtime;
  release: () => void;
}

export interface Change {
  /** Changes the account's records. */
  change: () => void;
  /** What must run afterwards: where its process does not start, all is undone and the error is thrown. */
  runs?: string;
  undo?: () => void;
  /** The resource whose state goes for good. */
  erases?: string;
}

export class Groups {
  readonly #account: Account;
  readonly #settings: GroupSettings;
  readonly #logs: Logs;
  readonly #tails: Tails;
  readonly #folder: string;
  readonly runs = new RunReader();
  readonly #groups = new Map<string, Group>();
  /** Held while records and plan change; not while a process starts. */
  readonly #planning = new Mutex();
  #plan: Plan = { groupOf: new Map(), members: new Map() };
  #sweep: NodeJS.Timeout | undefined;

  constructor(account: Account, settings: GroupSettings, logs: Logs, tails: Tails) {
    this.#account = account;
    this.#settings = settings;
    this.#logs = logs;
    this.#tails = tails;
    tails.onChange = async (worker) => this.of(`worker:${worker}`)?.tellListened();
    this.#folder = path.join(settings.state, 'groups');
  }

  /** Take up what the last process left, and start the groups that have something to go on with. */
  async open(): Promise<void> {
    this.#plan = makePlan(this.#account);
    for (const key of this.#plan.members.keys()) this.#settle(this.#group(key));
    await this.#endLeftovers();
    this.#sweep = setInterval(() => this.#lookAfter(), SWEEP_MILLISECONDS);
    this.#sweep.unref();
  }

  /**
   * Start the groups that have something to go on with, a few at a time. Whoever asks for a group meanwhile waits for
   * that one alone, so the port need not wait for all.
   */
  async resume(): Promise<void> {
    const waiting = [...this.#groups.values()];
    const start = async (): Promise<void> => {
      for (let group = waiting.shift(); group; group = waiting.shift()) {
        if (await this.#mustRun(group)) await group.ready().catch(this.#report(group));
      }
    };
    await Promise.all(Array.from({ length: EAGER_AT_ONCE }, start));
  }

  /** Where workerd is not tied to its parent's life, a kill has left some. */
  async #endLeftovers(): Promise<void> {
    for (const folder of names(this.#folder)) await endBy(noteOf(path.join(this.#folder, folder)));
  }

  #report(group: Group): (error: Error) => void {
    return (error) => this.#logs.platform(`${group.key}: ${error.message}`);
  }

  async close(): Promise<void> {
    clearInterval(this.#sweep);
    await Promise.all([...this.#groups.values()].map((group) => group.mutex.run(() => group.stop())));
    await this.runs.close();
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

  /**
   * Count a use in, with its way out. The group may have been replaced while we waited for it; and where it does not
   * start, it may be that a deploy is just being undone.
   */
  async acquire(node: string): Promise<Used | undefined> {
    for (let failures = 0; ; ) {
      const group = await this.settled(node);
      if (!group?.hasAnything) return undefined;
      try {
        const runtime = await group.acquire();
        if (group === this.of(node) && group.runtime === runtime)
          return { group, runtime, release: once(() => group.release()) };
        group.release();
      } catch (error) {
        failures += 1;
        if (!(error instanceof StartFailed) || failures > 1) throw error;
        await this.#planning.idle();
      }
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
   * Change the records, and bring the processes after them: groups that this changes are stopped, those of them that
   * have something to do are started again, and all others notice nothing.
   */
  async apply({ change, undo, runs, erases }: Change): Promise<void> {
    if (runs) await this.settled(runs);
    const affected = await this.#planning.run(() => this.#replan(change, erases));
    try {
      await this.#startAll(affected, runs);
    } catch (error) {
      for (const leave of affected.values()) leave();
      if (!(error instanceof StartFailed)) throw error;
      if (undo) await this.apply({ change: undo });
      throw startFailed(error.message);
    }
  }

  /** Change the records, stop the groups that this changes, move state, and return them with their mutexes held. */
  async #replan(change: () => void, erased: string | undefined): Promise<Map<Group, () => void>> {
    const erasing = erased === undefined ? undefined : this.of(erased);
    change();
    const plan = makePlan(this.#account);
    const affected = this.#changed(plan, erasing);
    const held = new Map<Group, () => void>();
    for (const group of affected) held.set(group, await group.mutex.enter());
    await Promise.all(affected.map((group) => group.drained().then(() => group.stop())));
    await Promise.all(affected.map((group) => group.forgetRuns()));
    if (erased !== undefined && erasing) erase(this.#folder, erasing.key, erased);
    this.#plan = plan;
    for (const group of affected) this.#settle(group);
    await Promise.all(affected.map((group) => group.forgetRuns())); // who read meanwhile read the old place
    for (const key of this.#groups.keys()) if (!plan.members.has(key)) this.#groups.delete(key);
    return held;
  }

  #changed(plan: Plan, erasing: Group | undefined): Group[] {
    const changed = new Set<Group>(erasing ? [erasing] : []);
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
    gather(this.#folder, group.key, nodes);
  }

  /** Start the group of `runs`, and those that were stopped with something to do; let each go when it is ready. */
  async #startAll(affected: Map<Group, () => void>, runs: string | undefined): Promise<void> {
    const wanted = runs === undefined ? undefined : this.of(runs);
    const start = async (group: Group, leave: () => void): Promise<void> => {
      const { revived } = await group.start();
      void revived.catch(this.#report(group)).finally(leave);
    };
    const starts = [...affected].map(async ([group, leave]) => {
      if (group === wanted) await start(group, leave);
      else if (await this.#mustRun(group)) void start(group, leave).catch(this.#report(group)).finally(leave);
      else leave();
    });
    await Promise.all(starts);
  }

  async #mustRun(group: Group): Promise<boolean> {
    return group.options.workers.length > 0 && (await this.#hasWork(group));
  }

  async #hasWork(group: Group): Promise<boolean> {
    return this.#hasCron(group) || group.waitingQueues.length > 0 || (await group.hasLiveInstances());
  }

  #hasCron(group: Group): boolean {
    return group.nodes.some(
      (node) => (this.#account.workers.get(node.replace(/^worker:/, ''))?.schedules.length ?? 0) > 0,
    );
  }

  #lookAfter(): void {
    void this.#stopIdle();
    for (const group of this.#groups.values())
      if (group.isRunning) void group.putDownEnded().catch(this.#report(group));
  }

  async #stopIdle(): Promise<void> {
    const quiet = (group: Group) =>
      group.isRunning && !group.isUsed && Date.now() - group.lastUsed > this.#settings.idleMilliseconds;
    for (const group of [...this.#groups.values()].filter(quiet))
      await group.mutex.run(async () => {
        if (quiet(group) && !(await this.#mustRun(group))) await group.stop();
        else group.lastUsed = Date.now(); // look again after another idle time
      });
  }

  #group(key: string): Group {
    const known = this.#groups.get(key);
    if (known) return known;
    const group = new Group(key, {
      folder: this.#folder,
      milliseconds: this.#settings.startMilliseconds,
      runs: this.runs,
      tails: this.#tails,
      onLog: (line) => this.#logs.group(key, line),
    });
    this.#groups.set(key, group);
    return group;
  }
}

function once(work: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) work();
    isDone = true;
  };
}
