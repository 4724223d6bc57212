// All groups: created, merged, split, started and stopped as the account's records require.

import path from 'node:path';
import type { TailHandler } from '../control_worker/definition.ts';
import { engineNode } from '../control_worker/miniflare_plugins.ts';
import { InstanceReader } from '../engine/reader.ts';
import { startFailed } from '../http/errors.ts';
import type { Mailbox } from '../mail/mailbox.ts';
import type { Account } from '../state/account.ts';
import { collectState, eraseState } from '../state/layout.ts';
import { namesOfKind } from '../state/nodes.ts';
import { listFolder } from '../system/files.ts';
import type { Logs } from '../system/logs.ts';
import { Mutex } from '../system/mutex.ts';
import { runParallel } from '../system/parallel.ts';
import { killByPidFile } from '../system/processes.ts';
import type { Tails } from '../tails/tails.ts';
import type { InstanceName, Permits, Unfinished } from '../workflow_limits/permits.ts';
import { Wakes } from '../workflow_limits/wakes.ts';
import { Group } from './group.ts';
import { groupOptions } from './group_options.ts';
import { type Plan, planGroups } from './plan.ts';
import { FIRST_RETRY_MILLISECONDS, nextRetry } from './retries.ts';
import { pidFileOf, type Runtime, StartError } from './runtime.ts';

const SWEEP_MILLISECONDS = 1000;
/** With more processes than this, those that are idle are stopped sooner. */
const CROWD = 16;
const CROWDED_IDLE_MILLISECONDS = 5000;
const PARALLEL_STARTS = 2;

export interface GroupSettings {
  state: string;
  idleMilliseconds: number;
  startMilliseconds: number;
}

/** What all groups share. */
interface Services {
  logs: Logs;
  tails: Tails;
  mailbox: Mailbox;
  permits: Permits;
  /** Answers the requests that the Workers make; if missing, they are sent. */
  onOutbound?: TailHandler;
  /** Each group has one run, whose steps are not retried if they use too much CPU time. */
  hasSingleRuns?: boolean;
}

/** A running group, which is not stopped until it is released. */
export interface Lease {
  group: Group;
  runtime: Runtime;
  release: () => void;
}

export interface Change {
  /** Change the account's records. */
  change: () => void;
  /** The node that must run afterwards: if its process does not start, the change is undone and the error thrown. */
  mustStart?: string;
  undo?: () => void;
  /** The node whose state is deleted permanently. */
  erases?: string;
}

export class Groups {
  readonly #account: Account;
  readonly #settings: GroupSettings;
  readonly #logs: Logs;
  readonly #tails: Tails;
  readonly #mailbox: Mailbox;
  readonly #permits: Permits;
  readonly #wakes = new Wakes((instance) => void this.#wake(instance));
  readonly #onOutbound: TailHandler | undefined;
  readonly #hasSingleRuns: boolean;
  readonly #folder: string;
  readonly instanceReader = new InstanceReader();
  readonly #groups = new Map<string, Group>();
  /** Held while records and plan change, but not while a process starts. */
  readonly #planning = new Mutex();
  /** Held while a group is started for an instance that may run, so that not all start at the same time. */
  readonly #waking = new Mutex();
  #plan: Plan = { groupOf: new Map(), members: new Map() };
  #sweep: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(
    account: Account,
    settings: GroupSettings,
    { logs, tails, mailbox, permits, onOutbound, hasSingleRuns = false }: Services,
  ) {
    this.#account = account;
    this.#settings = settings;
    this.#logs = logs;
    this.#tails = tails;
    this.#mailbox = mailbox;
    this.#permits = permits;
    this.#onOutbound = onOutbound;
    this.#hasSingleRuns = hasSingleRuns;
    permits.onGrant = (instance) => this.#grantPermit(instance);
    permits.onUnload = (instance, wakesAt) => this.#wakes.plan(instance, wakesAt);
    tails.onChange = async (worker) => this.of(`worker:${worker}`)?.updateTails();
    this.#folder = path.join(settings.state, 'groups');
  }

  /** Restore the groups from the records, and kill processes that a crash left behind. */
  async open(): Promise<void> {
    this.#plan = planGroups(this.#account);
    for (const key of this.#plan.members.keys()) this.#configure(this.#group(key));
    await this.#killLeftovers();
    this.#permits.restore(await this.#unfinishedInstances());
    this.#sweep = setInterval(() => this.#runMaintenance(), SWEEP_MILLISECONDS);
    this.#sweep.unref();
  }

  /**
   * Start the groups that have work to do, a few at a time. In the meantime, a request
   * waits only for its own group, so the server can listen before all groups have started.
   */
  async resume(): Promise<void> {
    await runParallel([...this.#groups.values()], PARALLEL_STARTS, async (group) => {
      if (await this.#mustRun(group)) await group.ready().catch(this.#startLater(group));
    });
  }

  async #unfinishedInstances(): Promise<Unfinished[]> {
    const all = [...this.#groups.values()].map((group) => group.unfinishedInstances());
    return (await Promise.all(all)).flat();
  }

  /** Let an instance run, in its group's process. */
  async #grantPermit({ workflow, id }: InstanceName): Promise<void> {
    const node = `workflow:${workflow}`;
    const group = this.of(node);
    if (!group?.hasOwnerOf(workflow)) return;
    const grant = (runtime: Runtime) =>
      runtime.control<string[]>(engineNode(workflow), 'grant', { ids: [id] });
    const use = () => this.use(node, grant);
    try {
      const failed = await (group.isRunning ? use() : this.#waking.run(use));
      if (failed?.length) throw new Error(`instance ${id} could not be continued`);
    } catch (error) {
      this.#report(group)(error as Error);
      throw error;
    }
  }

  /** Request a permit for an instance whose wait has ended, if it does not continue by itself. */
  async #wake(instance: InstanceName): Promise<void> {
    const group = this.of(`workflow:${instance.workflow}`);
    const waiting = await group?.waiting(instance).catch(this.#report(group));
    if (!waiting?.wakesAt || this.#isClosed) return;
    if (waiting.wakesAt > Date.now()) this.#wakes.plan(instance, waiting.wakesAt);
    else this.#permits.request(instance);
  }

  /** How many instances of the account may run at the same time. */
  get concurrencyLimit(): number {
    return this.#permits.limit;
  }

  /** Take permits from instances that lost their Workflow or their file. Files must not be moved in the meantime. */
  async #checkPermits(): Promise<void> {
    if (!this.#permits.isAwaited) return;
    await this.#planning.run(async () => {
      const entries = this.#permits.entries();
      const instances = await this.#unfinishedInstances();
      this.#permits.reconcile(
        entries,
        instances.filter(({ state }) => state !== 'paused'),
      );
    });
  }

  /** Without setpriv, workerd survives if the platform is killed. */
  async #killLeftovers(): Promise<void> {
    for (const folder of listFolder(this.#folder))
      await killByPidFile(pidFileOf(path.join(this.#folder, folder)));
  }

  #report(group: Group): (error: Error) => void {
    return (error) => this.#logs.platformError(`${group.key}: ${error.message}`);
  }

  async close(): Promise<void> {
    clearInterval(this.#sweep);
    this.#isClosed = true;
    this.#wakes.close();
    await Promise.all([...this.#groups.values()].map((group) => group.mutex.run(() => group.stop())));
    await this.instanceReader.close();
  }

  of(node: string): Group | undefined {
    const key = this.#plan.groupOf.get(node);
    return key === undefined ? undefined : this.#groups.get(key);
  }

  /** The group of a node, once it is not being started, stopped or replaced. */
  async whenSettled(node: string): Promise<Group | undefined> {
    for (;;) {
      const group = this.of(node);
      await group?.mutex.idle();
      if (group === this.of(node)) return group;
    }
  }

  /**
   * Start the group of a node if necessary; undefined if there is nothing to start. The group may be replaced while we
   * wait for it, and if it does not start, the reason may be that a failed deploy is being undone.
   */
  async acquire(node: string): Promise<Lease | undefined> {
    for (let failures = 0; ; ) {
      const group = await this.whenSettled(node);
      if (!group || group.isEmpty) return undefined;
      try {
        const runtime = await group.acquire();
        if (group === this.of(node) && group.runtime === runtime)
          return { group, runtime, release: once(() => group.release()) };
        group.release();
      } catch (error) {
        failures += 1;
        if (!(error instanceof StartError) || failures > 1) throw error;
        await this.#planning.idle();
      }
    }
  }

  /** Run the work while the group of a node is running; undefined if there is nothing to start. */
  async use<T>(node: string, work: (runtime: Runtime) => Promise<T>): Promise<T | undefined> {
    const lease = await this.acquire(node);
    if (lease === undefined) return undefined;
    try {
      return await work(lease.runtime);
    } finally {
      lease.release();
    }
  }

  /**
   * Change the records, and update the processes: groups that are affected are stopped, and started again if they have
   * work to do. All others keep running.
   */
  async apply({ change, undo, mustStart, erases }: Change): Promise<void> {
    if (mustStart) await this.whenSettled(mustStart);
    const affected = await this.#planning.run(() => this.#replan(change, erases));
    try {
      await this.#startAll(affected, mustStart);
    } catch (error) {
      for (const release of affected.values()) release();
      if (!(error instanceof StartError)) throw error;
      if (undo) await this.apply({ change: undo });
      throw startFailed(error.message, error.code);
    }
  }

  /** Change the records, stop the affected groups, move state, and return the groups with their mutexes held. */
  async #replan(change: () => void, erases: string | undefined): Promise<Map<Group, () => void>> {
    const erasing = erases === undefined ? undefined : this.of(erases);
    change();
    const plan = planGroups(this.#account);
    const affected = this.#affected(plan, erasing);
    const held = new Map<Group, () => void>();
    for (const group of affected) held.set(group, await group.mutex.acquire());
    await Promise.all(affected.map((group) => group.drain().then(() => group.stop())));
    await Promise.all(affected.map((group) => group.closeInstanceIndex()));
    if (erases !== undefined && erasing) eraseState(this.#folder, erasing.key, erases);
    this.#plan = plan;
    for (const group of affected) this.#configure(group);
    await Promise.all(affected.map((group) => group.closeInstanceIndex())); // readers may have opened the old place again
    for (const key of this.#groups.keys()) if (!plan.members.has(key)) this.#groups.delete(key);
    return held;
  }

  #affected(plan: Plan, erasing: Group | undefined): Group[] {
    const affected = new Set<Group>(erasing ? [erasing] : []);
    for (const [key, nodes] of plan.members)
      if (groupOptions(this.#account, nodes).fingerprint !== this.#group(key).options.fingerprint)
        affected.add(this.#group(key));
    for (const [key, group] of this.#groups) if (!plan.members.has(key)) affected.add(group);
    return [...affected].sort((first, second) => (first.key < second.key ? -1 : 1));
  }

  /** Give the group its nodes, options and state according to the plan. */
  #configure(group: Group): void {
    const nodes = this.#plan.members.get(group.key) ?? [];
    group.nodes = nodes;
    group.options = groupOptions(this.#account, nodes);
    collectState(this.#folder, group.key, nodes);
  }

  /** Start the group of `mustStart` and the groups with work to do; release the mutex of each when it is ready. */
  async #startAll(affected: Map<Group, () => void>, mustStart: string | undefined): Promise<void> {
    const required = mustStart === undefined ? undefined : this.of(mustStart);
    const start = async (group: Group, release: () => void): Promise<void> => {
      const { resumed } = await group.start();
      void resumed.catch(this.#report(group)).finally(release);
    };
    const starts = [...affected].map(async ([group, release]) => {
      if (group === required) await start(group, release);
      else if (await this.#mustRun(group))
        void start(group, release).catch(this.#startLater(group)).finally(release);
      else release();
    });
    await Promise.all(starts);
  }

  async #mustRun(group: Group): Promise<boolean> {
    return group.options.workers.length > 0 && (await this.#hasWork(group));
  }

  async #hasWork(group: Group): Promise<boolean> {
    if (this.#hasCron(group) || group.hasAlarms || group.waitingQueues.length > 0) return true;
    return await group.hasUnfinishedInstances();
  }

  /** Delete the state of a node that no longer exists, whichever group it was in. */
  erase(node: string): void {
    for (const key of listFolder(this.#folder)) eraseState(this.#folder, key, node);
  }

  #hasCron(group: Group): boolean {
    const workers = namesOfKind('worker', group.nodes);
    return workers.some((name) => (this.#account.workers.get(name)?.schedules.length ?? 0) > 0);
  }

  #runMaintenance(): void {
    void this.#stopIdle();
    void this.#checkPermits();
    for (const group of this.#groups.values())
      if (group.isRunning) {
        void group.unloadEnded().catch(this.#report(group));
        void this.#limitCpu(group).catch(this.#report(group));
      }
  }

  /** Kill a process whose code uses too much CPU time, and start it again if it has work to do. */
  async #limitCpu(group: Group): Promise<void> {
    const { runtime } = group;
    try {
      await group.killIfBusy();
    } finally {
      if (runtime && !group.isRunning) this.#startAfter(group.kills.restMilliseconds, group);
    }
  }

  /** Report why a group with work to do did not start, and start it again later. */
  #startLater(group: Group, milliseconds = FIRST_RETRY_MILLISECONDS): (error: Error) => void {
    return (error) => {
      this.#report(group)(error);
      this.#startAfter(milliseconds, group, nextRetry(milliseconds));
    };
  }

  #startAfter(milliseconds: number, group: Group, retryMilliseconds = FIRST_RETRY_MILLISECONDS): void {
    const retry = this.#startLater(group, retryMilliseconds);
    setTimeout(() => void this.#startAgain(group).catch(retry), milliseconds).unref();
  }

  async #startAgain(group: Group): Promise<void> {
    const isKnown = !this.#isClosed && this.#groups.get(group.key) === group;
    if (isKnown && !group.isRunning && (await this.#mustRun(group))) await group.ready();
  }

  async #stopIdle(): Promise<void> {
    const isIdle = (group: Group) =>
      group.isRunning && !group.isUsed && Date.now() - group.lastUsed > this.#idleMilliseconds;
    for (const group of [...this.#groups.values()].filter(isIdle))
      await group.mutex.run(async () => {
        if (isIdle(group) && !(await this.#mustRun(group))) await this.#stop(group);
        else group.lastUsed = Date.now(); // check again after the next idle period
      });
  }

  get #idleMilliseconds(): number {
    const { idleMilliseconds } = this.#settings;
    const running = [...this.#groups.values()].filter(({ isRunning }) => isRunning);
    return running.length > CROWD ? Math.min(CROWDED_IDLE_MILLISECONDS, idleMilliseconds) : idleMilliseconds;
  }

  /** Stop a group, and start it again if it has got work to do in the meantime. */
  async #stop(group: Group): Promise<void> {
    await group.stop();
    if (await this.#mustRun(group)) this.#startAfter(0, group);
  }

  #group(key: string): Group {
    const existing = this.#groups.get(key);
    if (existing) return existing;
    const group = new Group(key, {
      folder: this.#folder,
      startMilliseconds: this.#settings.startMilliseconds,
      instanceReader: this.instanceReader,
      tails: this.#tails,
      mailbox: this.#mailbox,
      permits: this.#permits,
      wakes: this.#wakes,
      onOutbound: this.#onOutbound,
      hasSingleRuns: this.#hasSingleRuns,
      onLog: (line) => this.#logs.write(key, line),
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
