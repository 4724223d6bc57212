// A group: Workers and resources that are bound together, and the one process that they run in when needed.

import path from 'node:path';
import type { TailHandler } from '../control_worker/definition.ts';
import { engineNode } from '../control_worker/miniflare_plugins.ts';
import type { InstanceSummary } from '../engine/instance_file.ts';
import type { InstanceReader } from '../engine/reader.ts';
import type { Mailbox } from '../mail/mailbox.ts';
import { instanceFile, workflowFolder } from '../state/layout.ts';
import { namesOfKind, workerOf } from '../state/nodes.ts';
import { privateFolder } from '../system/files.ts';
import type { LogLine } from '../system/logs.ts';
import { Mutex } from '../system/mutex.ts';
import type { Tails } from '../tails/tails.ts';
import { type InstanceName, keyOf, type Permits, type Unfinished } from '../workflow_limits/permits.ts';
import type { Wakes } from '../workflow_limits/wakes.ts';
import { hasAlarms } from './alarms.ts';
import { CpuWatch, Kills, LEAST_MILLISECONDS } from './cpu_watch.ts';
import type { GroupOptions } from './group_options.ts';
import { hasWaitingMessages } from './queues.ts';
import { FIRST_RETRY_MILLISECONDS, nextRetry } from './retries.ts';
import { ExceededCpu, Runtime } from './runtime.ts';

const DRAIN_MILLISECONDS = 250;
const POLL_MILLISECONDS = 5;
/** The message of Cloudflare. */
const EXCEEDED = 'Worker exceeded CPU time limit.';

export interface GroupContext {
  folder: string;
  startMilliseconds: number;
  instanceReader: InstanceReader;
  tails: Tails;
  mailbox: Mailbox;
  permits: Permits;
  wakes: Wakes;
  onOutbound?: TailHandler;
  /** Each group has one run, whose steps are not retried if they use too much CPU time. */
  hasSingleRuns: boolean;
  onLog: (line: LogLine) => void;
}

export class Group {
  readonly key: string;
  readonly folder: string;
  /** Held while the process is being started, stopped or replaced. */
  readonly mutex = new Mutex();
  /** Held while ended instances are unloaded, or one is restarted. */
  readonly unloading = new Mutex();
  nodes: string[] = [];
  options: GroupOptions = { workers: [], resources: {}, cpuMilliseconds: 0, fingerprint: '' };
  lastUsed = Date.now();
  runtime: Runtime | undefined;
  #users = 0;
  #startedAt = '';
  readonly #cpu = new CpuWatch();
  /** Why the last process was killed, until its runs know. */
  #exceededCpu: ExceededCpu | undefined;
  readonly kills = new Kills();
  readonly #context: GroupContext;

  constructor(key: string, context: GroupContext) {
    this.key = key;
    this.folder = path.join(context.folder, key);
    this.#context = context;
    privateFolder(this.folder);
  }

  get isRunning(): boolean {
    return this.runtime !== undefined;
  }

  get workflows(): string[] {
    return namesOfKind('workflow', this.nodes);
  }

  hasWorker(name: string): boolean {
    return this.options.workers.some(({ config }) => config.name === name);
  }

  /** Whether an instance must continue without a request. Those that wait are woken when their waits end. */
  async hasUnfinishedInstances(): Promise<boolean> {
    const instances = await this.unfinishedInstances();
    this.#planWakes(instances);
    return instances.some(({ state, wakesAt }) => state !== 'paused' && wakesAt === undefined);
  }

  #planWakes(instances: Unfinished[]): void {
    for (const instance of instances)
      if (instance.wakesAt !== undefined) this.#context.wakes.plan(instance, instance.wakesAt);
  }

  /** The instances that this group's process continues. */
  async unfinishedInstances(): Promise<Unfinished[]> {
    const found = this.#ownWorkflows.map(async (workflow) => {
      const folder = workflowFolder(this.folder, workflow);
      const rows = await this.#context.instanceReader.call('unfinished', { folder });
      return rows.map((row) => this.#unfinished(workflow, row));
    });
    return (await Promise.all(found)).flat();
  }

  #unfinished(workflow: string, row: InstanceSummary): Unfinished {
    const isBusy = this.#context.hasSingleRuns || row.status === 'rollingBack';
    const wakesAt = isBusy ? undefined : row.wakesAt;
    const state = wakesAt === undefined ? stateOf(row) : 'waiting';
    return { workflow, id: row.id, state, since: row.modified, wakesAt };
  }

  /** An instance that waits, if its wait has ended; undefined if it does not wait any longer. */
  async waiting({ workflow, id }: InstanceName): Promise<Unfinished | undefined> {
    const file = instanceFile(workflowFolder(this.folder, workflow), workflow, id);
    const row = await this.#context.instanceReader.call('summary', { file });
    return row?.wakesAt === undefined ? undefined : this.#unfinished(workflow, row);
  }

  get #ownWorkflows(): string[] {
    return this.workflows.filter((name) => this.hasOwnerOf(name));
  }

  /** Unload ended instances from the process, where each keeps memory and three open files. */
  unloadEnded(): Promise<void> {
    return this.unloading.run(() => this.#unloadEndedInstances());
  }

  async #unloadEndedInstances(): Promise<void> {
    for (const workflow of this.#ownWorkflows) {
      const folder = workflowFolder(this.folder, workflow);
      const ids = await this.#context.instanceReader.call('ended', { folder, since: this.#startedAt });
      if (ids.length > 0) await this.runtime?.control(engineNode(workflow), 'unload', { ids });
    }
  }

  /** Kill the process if code has used more CPU time than it may; it is not running afterwards, even if that fails. */
  async killIfBusy(): Promise<void> {
    if (this.runtime?.exceededCpu) return; // it is being killed
    const reason = await this.#cpuExcess();
    const runtime = this.runtime;
    if (!reason || !runtime) return;
    this.#exceededCpu = reason;
    this.#context.onLog({ timestamp: Date.now(), level: 'error', message: reason.message });
    this.kills.add();
    try {
      await runtime.kill(reason);
    } finally {
      await this.mutex.run(async () => {
        if (this.runtime === runtime) await this.stop();
      });
    }
  }

  async #cpuExcess(): Promise<ExceededCpu | undefined> {
    const { runtime, options } = this;
    const usage = runtime?.usage;
    if (!runtime || !usage) return undefined;
    const progress = this.#context.hasSingleRuns ? await this.#progress() : undefined;
    const { blocked, stalled } = this.#cpu.sample(usage, () => runtime.ping(), progress);
    const milliseconds = Math.max(options.cpuMilliseconds, LEAST_MILLISECONDS);
    const limit = milliseconds === 1000 ? '1 second' : `${milliseconds / 1000} seconds`;
    if (blocked >= milliseconds)
      return new ExceededCpu(`${EXCEEDED} The code ran for ${limit} without a pause.`);
    if (stalled >= milliseconds)
      return new ExceededCpu(`${EXCEEDED} The code used ${limit} of CPU time, and the run got no further.`);
    return undefined;
  }

  /** A text that changes whenever an instance gets further. */
  async #progress(): Promise<string> {
    const instances = await this.unfinishedInstances();
    return JSON.stringify(instances.map(({ id, since }) => [id, since]));
  }

  /** Close the index of instances, because its files are moved or deleted. */
  closeInstanceIndex(): Promise<void> {
    return this.#context.instanceReader.call('close', { folder: this.folder });
  }

  /** The queues that have both a consumer and messages. */
  get waitingQueues(): string[] {
    return Object.entries(this.options.resources)
      .filter(
        ([node, resource]) => node.startsWith('queue:') && hasWaitingMessages(this.folder, node, resource),
      )
      .map(([node]) => node);
  }

  get hasAlarms(): boolean {
    return hasAlarms(this.folder, this.nodes);
  }

  get isEmpty(): boolean {
    return this.options.workers.length === 0 && Object.keys(this.options.resources).length === 0;
  }

  hasOwnerOf(workflow: string): boolean {
    return `workflow:${workflow}` in this.options.resources;
  }

  /** Start the process. Nothing else may use it until `resumed`. The caller holds the mutex. */
  async start(): Promise<{ runtime: Runtime; resumed: Promise<void> }> {
    const suspended = await this.#suspended();
    this.#startedAt = new Date().toISOString();
    const runtime = await this.#startRuntime().catch((error: unknown) => {
      this.#keepPermits([]);
      throw error;
    });
    this.runtime = runtime;
    this.lastUsed = Date.now();
    await this.#startTails();
    return { runtime, resumed: this.#resume(suspended) };
  }

  #startRuntime(): Promise<Runtime> {
    return Runtime.start({
      folder: this.folder,
      startMilliseconds: this.#context.startMilliseconds,
      onLog: this.#context.onLog,
      onTail: this.#context.tails.receive,
      onMail: this.#context.mailbox.receive,
      onPermit: this.#context.permits.receive,
      onOutbound: this.#context.onOutbound,
      onRestart: () => void this.mutex.run(async () => this.#resumeRestarted()),
      workers: this.options.workers,
      resources: this.options.resources,
    });
  }

  /** Continue after workerd was restarted by Miniflare; a process that was killed here is stopped instead. */
  async #resumeRestarted(): Promise<void> {
    if (!this.runtime || this.runtime.exceededCpu) return;
    await this.#startTails();
    await this.#resume(await this.#suspended());
  }

  async #startTails(): Promise<void> {
    this.#context.tails.forget(this.#workers);
    if (this.#tailed.length > 0) await this.updateTails();
  }

  get #workers(): string[] {
    return [...new Set(this.options.workers.map(({ config }) => workerOf(config.name)))];
  }

  get #tailed(): string[] {
    return this.#workers.filter((worker) => this.#context.tails.hasListeners(worker));
  }

  /** Tell the process which of its Workers have listeners. */
  async updateTails(): Promise<void> {
    await this.runtime?.control('tail:', 'listen', { workers: this.#tailed });
  }

  /** The caller holds the mutex. */
  async stop(): Promise<void> {
    const runtime = this.runtime;
    this.runtime = undefined;
    await runtime?.stop();
  }

  /** Start the process if necessary, and keep it from being stopped as idle until `release`. */
  acquire(): Promise<Runtime> {
    return this.mutex.run(async () => {
      const runtime = await this.#ensure();
      this.#users += 1;
      return runtime;
    });
  }

  release(): void {
    this.#users -= 1;
    this.lastUsed = Date.now();
  }

  get isUsed(): boolean {
    return this.#users > 0;
  }

  /** Give requests a moment to end before the process is stopped. The caller holds the mutex, so no new ones start. */
  async drain(): Promise<void> {
    const deadline = Date.now() + DRAIN_MILLISECONDS;
    while (this.isUsed && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  }

  ready(): Promise<Runtime> {
    return this.mutex.run(() => this.#ensure());
  }

  async #ensure(): Promise<Runtime> {
    if (this.runtime?.exceededCpu) await this.stop(); // those who waited for it may be faster than `killIfBusy`
    if (this.runtime) return this.runtime;
    const { runtime, resumed } = await this.start();
    await resumed;
    return runtime;
  }

  /**
   * The instances that a new process does not continue by itself. No process runs, so others have no permit. Queued ones
   * continue when they get their permit, and waiting ones when their wait ends.
   */
  async #suspended(): Promise<Unfinished[]> {
    const instances = await this.unfinishedInstances();
    const { permits } = this.#context;
    const queued = instances.filter(({ state }) => state === 'queued');
    this.#keepPermits(instances.filter(({ state }) => state === 'running' || state === 'queued'));
    for (const instance of queued) permits.request(instance);
    this.#planWakes(instances);
    const isSuspended = ({ state, wakesAt }: Unfinished) =>
      state === 'running' || (state === 'waiting' && wakesAt === undefined);
    return instances.filter(isSuspended);
  }

  #keepPermits(instances: Unfinished[]): void {
    const { permits } = this.#context;
    permits.reconcile(permits.entries(this.workflows), instances);
  }

  #resume(unfinished: Unfinished[]): Promise<void> {
    const reason = this.#exceededCpu;
    this.#exceededCpu = undefined;
    return this.#retryLater(unfinished, reason, () => this.#continue(unfinished, reason));
  }

  /** Continue the instances, and return those that failed. */
  async #continue(instances: Unfinished[], reason: ExceededCpu | undefined): Promise<Unfinished[]> {
    const unaware = reason ? await this.#reportExcess(reason, instances) : [];
    for (const queue of this.waitingQueues) await this.runtime?.control(queue, 'wake');
    const suspended = reason ? await this.#suspended() : instances;
    return [...unaware, ...(await this.#callEngine('revive', without(suspended, unaware)))];
  }

  /** Continue what failed later, unless the process has ended by then: the next one continues all instances. */
  async #retryLater(
    instances: Unfinished[],
    reason: ExceededCpu | undefined,
    work: () => Promise<Unfinished[]>,
    milliseconds = FIRST_RETRY_MILLISECONDS,
  ): Promise<void> {
    const { runtime } = this;
    const retry = async (failed: Unfinished[]): Promise<void> => {
      if (this.runtime !== runtime || runtime?.exceededCpu) return;
      const again = async () => this.#continue(await this.#unfinishedOf(failed), reason);
      await this.#retryLater(failed, reason, again, nextRetry(milliseconds));
    };
    const schedule = (failed: Unfinished[]) =>
      setTimeout(() => void this.mutex.run(() => retry(failed)), milliseconds).unref();
    try {
      const failed = await work();
      if (failed.length > 0) schedule(failed);
    } catch (error) {
      schedule(instances);
      throw error;
    }
  }

  async #unfinishedOf(instances: Unfinished[]): Promise<Unfinished[]> {
    const unfinished = await this.unfinishedInstances();
    return without(unfinished, without(unfinished, instances));
  }

  /** Tell the instances that may have used the CPU time, and return those that failed. */
  #reportExcess({ message }: ExceededCpu, instances: Unfinished[]): Promise<Unfinished[]> {
    const isFinal = this.#context.hasSingleRuns;
    const suspects = instances.filter(({ state }) => state === 'running' || (isFinal && state === 'waiting'));
    return this.#callEngine('exceedCpu', suspects, { message, isFinal });
  }

  /** Call the engine for these instances, and return those that failed. */
  async #callEngine(operation: string, instances: Unfinished[], options = {}): Promise<Unfinished[]> {
    const failed: Unfinished[] = [];
    for (const [workflow, ofWorkflow] of Map.groupBy(instances, (instance) => instance.workflow)) {
      const ids = ofWorkflow.map(({ id }) => id);
      const found = await this.runtime?.control<string[]>(engineNode(workflow), operation, {
        ids,
        ...options,
      });
      failed.push(...ofWorkflow.filter(({ id }) => found?.includes(id)));
    }
    return failed;
  }
}

function without(instances: Unfinished[], excluded: Unfinished[]): Unfinished[] {
  const keys = new Set(excluded.map(keyOf));
  return instances.filter((instance) => !keys.has(keyOf(instance)));
}

function stateOf({ engine, status }: InstanceSummary): Unfinished['state'] {
  if (engine === 'queued' || engine === 'paused') return engine;
  return status === 'waiting' ? 'waiting' : 'running';
}
