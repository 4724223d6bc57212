// Deletes instances that have been kept for as long as they should be.

import { ApiError } from '../http/errors.ts';
import type { Account } from '../state/account.ts';
import type { Workflow } from '../state/records.ts';
import type { Logs } from '../system/logs.ts';
import { runParallel } from '../system/parallel.ts';
import type { Instances } from './instances.ts';

const PARALLEL = 10;

export class RetentionSweeper {
  readonly #account: Account;
  readonly #instances: Instances;
  readonly #logs: Logs;
  #timer: NodeJS.Timeout | undefined;
  #isSweeping = false;

  constructor(account: Account, instances: Instances, logs: Logs) {
    this.#account = account;
    this.#instances = instances;
    this.#logs = logs;
  }

  open(milliseconds: number): void {
    this.#timer = setInterval(() => void this.#sweepUnlessSweeping(), milliseconds);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #sweepUnlessSweeping(): Promise<void> {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    for (const workflow of this.#account.workflows.values())
      await this.#sweep(workflow).catch((error: Error) =>
        this.#logs.platformError(`retention of ${workflow.name}: ${error.message}`),
      );
    this.#isSweeping = false;
  }

  async #sweep(workflow: Workflow): Promise<void> {
    if (!this.#account.workers.has(workflow.script_name)) return; // only its Worker can delete its instances
    await runParallel(await this.#instances.expired(workflow), PARALLEL, (id) =>
      this.#instances.remove(workflow, id).catch((error: unknown) => {
        if (!(error instanceof ApiError) || error.status !== 404) throw error;
      }),
    );
  }
}
