// A group: Workers and resources that are bound together, and the one process that they run in when needed.

import path from 'node:path';
import { engineNode } from '../control_worker/miniflare_plugins.ts';
import type { InstanceReader } from '../engine/reader.ts';
import type { Mailbox } from '../mail/mailbox.ts';
import { workflowFolder } from '../state/layout.ts';
import { namesOfKind, workerOf } from '../state/nodes.ts';
import { privateFolder } from '../system/files.ts';
import type { LogLine } from '../system/logs.ts';
import { Mutex } from '../system/mutex.ts';
import type { Tails } from '../tails/tails.ts';
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
    return (await this.#suspended()).size > 0;
  }

  /** Unload ended instances from the process, where each keeps memory and three open files. */
  unloadEnded(): Promise<void> {
    return this.unloading.run(() => this.#unloadEndedInstances());
  }

  async #unloadEndedInstances(): Promise<void> {
    for (const workflow of this.workflows.filter((name) => this.hasOwnerOf(name))) {
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
    const runtime = await Runtime.start({
      folder: this.folder,
      startMilliseconds: this.#context.startMilliseconds,
      onLog: this.#context.onLog,
      onTail: this.#context.tails.receive,
      onMail: this.#context.mailbox.receive,
      onRestart: () => void this.mutex.run(async () => this.#continue()),
      workers: this.options.workers,
      resources: this.options.resources,
    });
    this.runtime = runtime;
    this.lastUsed = Date.now();
    await this.#startTails();
    return { runtime, resumed: this.#resume(suspended) };
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

  /** The ids of instances that a new process does not continue by itself, by Workflow. */
  async #suspended(): Promise<Map<string, string[]>> {
    const suspended = new Map<string, string[]>();
    for (const workflow of this.workflows.filter((name) => this.hasOwnerOf(name))) {
      const unfinished = await this.#context.instanceReader.call('unfinished', {
        folder: workflowFolder(this.folder, workflow),
      });
      const ids = unfinished.filter(({ engine }) => engine !== 'paused').map(({ id }) => id);
      if (ids.length > 0) suspended.set(workflow, ids);
    }
    return suspended;
  }

  async #resume(suspended: Map<string, string[]>): Promise<void> {
    for (const queue of this.waitingQueues) await this.runtime?.control(queue, 'wake');
    for (const [workflow, ids] of suspended)
      await this.runtime?.control(engineNode(workflow), 'revive', { ids });
  }
}
