// A group: Workers and resources that are bound together, and the one process they run in while there is need of it.

import path from 'node:path';
import { isFinal, readAll, type Stored } from './engine.ts';
import { privateFolder } from './files.ts';
import { workflowFolder } from './layout.ts';
import { Mutex } from './mutex.ts';
import type { GroupOptions } from './options.ts';
import { type LogLine, Runtime } from './runtime.ts';

export interface GroupSurroundings {
  folder: string;
  milliseconds: number;
  onLog: (line: LogLine) => void;
  /** The ids of a Workflow's instances that a person paused. */
  paused: (workflow: string) => readonly string[];
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
  starts = 0;
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

  /** Those that must go on by themselves: neither final nor paused. */
  live(workflow: string): Stored[] {
    return this.instances(workflow).filter(({ status }) => !isFinal(status) && status !== 'paused');
  }

  hasLiveInstances(): boolean {
    return this.workflows.some((workflow) => this.canRun(workflow) && this.live(workflow).length > 0);
  }

  canRun(workflow: string): boolean {
    return `workflow:${workflow}` in this.options.resources;
  }

  /** Start the process, and return it with the revival that must end before anyone else uses it. Hold the mutex. */
  async start(): Promise<{ runtime: Runtime; revived: Promise<void> }> {
    const sleeping = this.#sleeping();
    this.starts += 1;
    const runtime = await Runtime.start({
      folder: this.folder,
      milliseconds: this.#around.milliseconds,
      onLog: this.#around.onLog,
      onRestart: () => void this.mutex.run(() => this.#revive(this.#sleeping())),
      workers: this.options.workers,
      resources: this.options.resources,
    });
    this.runtime = runtime;
    this.lastUsed = Date.now();
    return { runtime, revived: this.#revive(sleeping) };
  }

  /** Hold the mutex. */
  async stop(): Promise<void> {
    const runtime = this.runtime;
    this.runtime = undefined;
    await runtime?.stop();
  }

  /** Count a use in, with the process started if need be: until `release` it is not stopped for being idle. */
  async acquire(): Promise<Runtime> {
    this.#users += 1;
    try {
      return await this.ready();
    } catch (error) {
      this.release();
      throw error;
    }
  }

  release(): void {
    this.#users -= 1;
    this.lastUsed = Date.now();
  }

  get isUsed(): boolean {
    return this.#users > 0;
  }

  ready(): Promise<Runtime> {
    return this.mutex.run(async () => {
      if (this.runtime) return this.runtime;
      const { runtime, revived } = await this.start();
      await revived;
      return runtime;
    });
  }

  #sleeping(): Map<string, object[]> {
    const found = new Map<string, object[]>();
    for (const workflow of this.workflows.filter((name) => this.canRun(name))) {
      const paused = this.#around.paused(workflow);
      const all = this.instances(workflow).filter(
        ({ id, status }) => !isFinal(status) && !(status === 'paused' && paused.includes(id)),
      );
      const instances = all.map(({ id, status }) => ({ id, status, keep: paused.includes(id) }));
      if (instances.length > 0) found.set(workflow, instances);
    }
    return found;
  }

  async #revive(sleeping: Map<string, object[]>): Promise<void> {
    for (const [workflow, instances] of sleeping)
      await this.runtime?.control(`workflow:${workflow}`, 'revive', { instances });
  }
}
