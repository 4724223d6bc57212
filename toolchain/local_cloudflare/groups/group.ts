// A group: Workers and resources that are bound together, and the one process they run in while there is need of it.

import path from 'node:path';
import { engineNode } from '../control_worker/workflow_engine_plugin.ts';
import type { RunReader } from '../engine/reader.ts';
import { workflowFolder } from '../state/layout.ts';
import { privateFolder } from '../system/files.ts';
import type { LogLine } from '../system/logs.ts';
import { Mutex } from '../system/mutex.ts';
import type { Tails } from '../tails/tails.ts';
import type { GroupOptions } from './group_options.ts';
import { hasMessages } from './queues.ts';
import { Runtime } from './runtime.ts';

const DRAIN_MILLISECONDS = 250;
const POLL_MILLISECONDS = 5;

export interface GroupSurroundings {
  folder: string;
  milliseconds: number;
  runs: RunReader;
  tails: Tails;
  onLog: (line: LogLine) => void;
}

export class Group {
  readonly key: string;
  readonly folder: string;
  /** Held while the process is started, stopped or replaced. */
  readonly mutex = new Mutex();
  /** Held while an ended instance is put down or restarted. */
  readonly ending = new Mutex();
  nodes: string[] = [];
  options: GroupOptions = { workers: [], resources: {}, fingerprint: '' };
  lastUsed = Date.now();
  runtime: Runtime | undefined;
  #users = 0;
  #startedAt = '';
  readonly #around: GroupSurroundings;

  constructor(key: string, around: GroupSurroundings) {
    this.key = key;
    this.folder = path.join(around.folder, key);
    this.#around = around;
    privateFolder(this.folder);
  }

  get isRunning(): boolean {
    return this.runtime !== undefined;
  }

  get workflows(): string[] {
    return this.nodes
      .filter((node) => node.startsWith('workflow:'))
      .map((node) => node.slice('workflow:'.length));
  }

  hasWorker(name: string): boolean {
    return this.options.workers.some(({ config }) => config.name === name);
  }

  /** Whether an instance must go on by itself. */
  async hasLiveInstances(): Promise<boolean> {
    return (await this.#stalled()).size > 0;
  }

  /** Let the process put down the instances that ended: each holds memory and three files open until then. */
  putDownEnded(): Promise<void> {
    return this.ending.run(() => this.#putDownEnded());
  }

  async #putDownEnded(): Promise<void> {
    for (const workflow of this.workflows.filter((name) => this.canRun(name))) {
      const folder = workflowFolder(this.folder, workflow);
      const ids = await this.#around.runs.ask('ended', { folder, since: this.#startedAt });
      if (ids.length > 0) await this.runtime?.control(engineNode(workflow), 'putDown', { ids });
    }
  }

  /** Its files are moved or removed. */
  forgetRuns(): Promise<void> {
    return this.#around.runs.ask('forget', { folder: this.folder });
  }

  /** The queues whose consumer has messages to take. */
  get waitingQueues(): string[] {
    return Object.entries(this.options.resources)
      .filter(([node, resource]) => node.startsWith('queue:') && hasMessages(this.folder, node, resource))
      .map(([node]) => node);
  }

  get hasAnything(): boolean {
    return this.options.workers.length > 0 || Object.keys(this.options.resources).length > 0;
  }

  canRun(workflow: string): boolean {
    return `workflow:${workflow}` in this.options.resources;
  }

  /** Start the process, and return it with the revival that must end before anyone else uses it. Hold the mutex. */
  async start(): Promise<{ runtime: Runtime; revived: Promise<void> }> {
    const stalled = await this.#stalled();
    this.#startedAt = new Date().toISOString();
    const runtime = await Runtime.start({
      folder: this.folder,
      milliseconds: this.#around.milliseconds,
      onLog: this.#around.onLog,
      onTail: this.#around.tails.receive,
      onRestart: () => void this.mutex.run(async () => this.#restarted()),
      workers: this.options.workers,
      resources: this.options.resources,
    });
    this.runtime = runtime;
    this.lastUsed = Date.now();
    await this.#tellNew();
    return { runtime, revived: this.#resume(stalled) };
  }

  async #restarted(): Promise<void> {
    await this.#tellNew();
    await this.#resume(await this.#stalled());
  }

  async #tellNew(): Promise<void> {
    this.#around.tails.forget(this.#workers);
    if (this.#listened.length > 0) await this.tellListened();
  }

  get #workers(): string[] {
    return this.options.workers.map(({ config }) => config.name);
  }

  get #listened(): string[] {
    return this.#workers.filter((worker) => this.#around.tails.isListenedTo(worker));
  }

  /** Tell the process to which of its Workers somebody listens. */
  async tellListened(): Promise<void> {
    await this.runtime?.control('tail:', 'listen', { workers: this.#listened });
  }

  /** Hold the mutex. */
  async stop(): Promise<void> {
    const runtime = this.runtime;
    this.runtime = undefined;
    await runtime?.stop();
  }

  /** Count a use in, with the process started if need be: until `release` it is not stopped for being idle. */
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

  /** Give requests a moment to end before the process does. Hold the mutex, so that no more come. */
  async drained(): Promise<void> {
    const deadline = Date.now() + DRAIN_MILLISECONDS;
    while (this.isUsed && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  }

  ready(): Promise<Runtime> {
    return this.mutex.run(() => this.#ensure());
  }

  async #ensure(): Promise<Runtime> {
    if (this.runtime) return this.runtime;
    const { runtime, revived } = await this.start();
    await revived;
    return runtime;
  }

  /** The ids of the instances that do nothing in a new process although they should, by Workflow. */
  async #stalled(): Promise<Map<string, string[]>> {
    const found = new Map<string, string[]>();
    for (const workflow of this.workflows.filter((name) => this.canRun(name))) {
      const unfinished = await this.#around.runs.ask('unfinished', {
        folder: workflowFolder(this.folder, workflow),
      });
      const stalled = unfinished.filter(({ engine }) => engine !== 'paused').map(({ id }) => id);
      if (stalled.length > 0) found.set(workflow, stalled);
    }
    return found;
  }

  async #resume(stalled: Map<string, string[]>): Promise<void> {
    for (const queue of this.waitingQueues) await this.runtime?.control(queue, 'wake');
    for (const [workflow, ids] of stalled)
      await this.runtime?.control(engineNode(workflow), 'revive', { ids });
  }
}
