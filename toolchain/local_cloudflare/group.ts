// A group: Workers and resources that are bound together, and the one process they run in while there is need of it.

import path from 'node:path';
import { isFinal, readAll, type Status, type Stored } from './engine.ts';
import { privateFolder, readJson, remove, writeJson } from './files.ts';
import { workflowFolder } from './layout.ts';
import { Mutex } from './mutex.ts';
import type { GroupOptions } from './options.ts';
import { hasMessages } from './queues.ts';
import { type LogLine, Runtime } from './runtime.ts';

const DRAIN_MILLISECONDS = 250;
const POLL_MILLISECONDS = 5;

export interface GroupSurroundings {
  folder: string;
  milliseconds: number;
  onLog: (line: LogLine) => void;
}

export class Group {
  readonly key: string;
  readonly folder: string;
  /** Held while the process is started, stopped or replaced. */
  readonly mutex = new Mutex();
  readonly finals = new Map<string, Stored>();
  nodes: string[] = [];
  options: GroupOptions = { workers: [], resources: {}, fingerprint: '' };
  lastUsed = Date.now();
  runtime: Runtime | undefined;
  #users = 0;
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

  instances(workflow: string): Stored[] {
    return readAll(workflowFolder(this.folder, workflow), this.finals);
  }

  /** Whether an instance must go on by itself. */
  hasLiveInstances(): boolean {
    return this.#stalled().size > 0;
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
    const stalled = this.#stalled();
    const runtime = await Runtime.start({
      folder: this.folder,
      milliseconds: this.#around.milliseconds,
      onLog: this.#around.onLog,
      onRestart: () => void this.mutex.run(() => this.#resume(this.#stalled())),
      workers: this.options.workers,
      resources: this.options.resources,
    });
    this.runtime = runtime;
    this.lastUsed = Date.now();
    return { runtime, revived: this.#resume(stalled) };
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

  /**
   * The instances that do nothing in a new process although they should: all that are neither final nor paused. One
   * that a kill caught in the middle of its revival is paused too, and is known by the note of that revival.
   */
  #stalled(): Map<string, Stalled[]> {
    const reviving = new Set(readJson<string[]>(this.#note));
    const found = new Map<string, Stalled[]>();
    for (const workflow of this.workflows.filter((name) => this.canRun(name))) {
      const isReviving = ({ id }: Stored) => reviving.has(`${workflow}/${id}`);
      const stalled = this.instances(workflow)
        .filter((stored) => !isFinal(stored.status) && (stored.status !== 'paused' || isReviving(stored)))
        .map((stored) => stalledOf(stored, isReviving(stored)));
      if (stalled.length > 0) found.set(workflow, stalled);
    }
    return found;
  }

  async #resume(stalled: Map<string, Stalled[]>): Promise<void> {
    for (const queue of this.waitingQueues) await this.runtime?.control(queue, 'wake');
    await this.#revive(stalled);
  }

  async #revive(stalled: Map<string, Stalled[]>): Promise<void> {
    if (stalled.size === 0) return;
    const ids = [...stalled].flatMap(([workflow, all]) =>
      all.filter(({ keep }) => !keep).map(({ id }) => `${workflow}/${id}`),
    );
    writeJson(this.#note, ids);
    for (const [workflow, instances] of stalled)
      await this.runtime?.control(`workflow:${workflow}`, 'revive', { instances });
    remove(this.#note);
  }

  get #note(): string {
    return path.join(this.folder, 'reviving.json');
  }
}

interface Stalled {
  id: string;
  status: Status;
  /** Leave it paused. */
  keep: boolean;
}

/** Somebody asked for a pause, and the process ended before the running step did. */
function stalledOf({ id, status }: Stored, isReviving: boolean): Stalled {
  return { id, status, keep: status === 'waitingForPause' && !isReviving };
}
