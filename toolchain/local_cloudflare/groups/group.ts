// A group: Workers and resources that are bound together, and the one process that they run in when needed.

import path from 'node:path';
import type { TailHandler } from '../control_worker/definition.ts';
import { engineNode } from '../control_worker/miniflare_plugins.ts';
import type { Row } from '../engine/instance_index.ts';
import type { InstanceReader } from '../engine/reader.ts';
import type { Mailbox } from '../mail/mailbox.ts';
import { workflowFolder } from '../state/layout.ts';
import { namesOfKind, workerOf } from '../state/nodes.ts';
import { privateFolder } from '../system/files.ts';
import type { LogLine } from '../system/logs.ts';
import { Mutex } from '../system/mutex.ts';
import type { Tails } from '../tails/tails.ts';
import type { InstanceName, Permits, Unfinished } from '../workflow_limits/permits.ts';
import { hasAlarms } from './alarms.ts';
import type { GroupOptions } from './group_options.ts';
import { hasWaitingMessages } from './queues.ts';
import { Runtime } from './runtime.ts';

const DRAIN_MILLISECONDS = 250;
const POLL_MILLISECONDS = 5;

export interface GroupContext {
  folder: string;
  startMilliseconds: number;
  instanceReader: InstanceReader;
  tails: Tails;
  mailbox: Mailbox;
  permits: Permits;
  onOutbound?: TailHandler;
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
  options: GroupOptions = { workers: [], resources: {}, fingerprint: '' };
  lastUsed = Date.now();
  runtime: Runtime | undefined;
  #users = 0;
  #startedAt = '';
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

  /** Whether an instance must continue without a request. */
  async hasUnfinishedInstances(): Promise<boolean> {
    return (await this.unfinishedInstances()).some(({ state }) => state !== 'paused');
  }

  /** The instances that this group's process continues. */
  async unfinishedInstances(): Promise<Unfinished[]> {
    const found = this.#ownWorkflows.map(async (workflow) => {
      const folder = workflowFolder(this.folder, workflow);
      const rows = await this.#context.instanceReader.call('unfinished', { folder });
      return rows.map((row) => ({ workflow, id: row.id, state: stateOf(row), since: row.modified }));
    });
    return (await Promise.all(found)).flat();
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
      onRestart: () => void this.mutex.run(async () => this.#continue()),
      workers: this.options.workers,
      resources: this.options.resources,
    });
  }

  /** Continue after workerd was restarted by Miniflare. */
  async #continue(): Promise<void> {
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
    if (this.runtime) return this.runtime;
    const { runtime, resumed } = await this.start();
    await resumed;
    return runtime;
  }

  /** The instances that a new process does not continue by itself. No process runs, so others have no permit. */
  async #suspended(): Promise<Unfinished[]> {
    const instances = await this.unfinishedInstances();
    this.#keepPermits(instances.filter(({ state }) => state === 'running' || state === 'queued'));
    return instances.filter(({ state }) => state !== 'paused');
  }

  #keepPermits(instances: Unfinished[]): void {
    const { permits } = this.#context;
    permits.reconcile(permits.entries(this.workflows), instances);
  }

  async #resume(suspended: Unfinished[]): Promise<void> {
    for (const queue of this.waitingQueues) await this.runtime?.control(queue, 'wake');
    for (const [workflow, instances] of Map.groupBy(suspended, (instance) => instance.workflow)) {
      const ids = instances.map(({ id }) => id);
      await this.runtime?.control(engineNode(workflow), 'revive', { ids });
    }
  }

  /** Let a queued instance run. */
  async grantPermit({ workflow, id }: InstanceName): Promise<void> {
    await this.runtime?.control(engineNode(workflow), 'grant', { ids: [id] });
  }
}

function stateOf({ engine, status }: Row): Unfinished['state'] {
  if (engine === 'queued' || engine === 'paused') return engine;
  return status === 'waiting' ? 'waiting' : 'running';
}
