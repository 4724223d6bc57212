// Fires the cron triggers of Workers, which run a handler, and the schedules of Workflows, which create an instance.
//
// As under `wrangler dev`, a request to the Worker's own host fires a cron trigger immediately (see routing/proxy.ts):
// GET or POST /cdn-cgi/handler/scheduled?cron=*+*+*+*+*&time=1767225600000

import type { CronSchedule } from '../engine/instance_file.ts';
import type { Groups } from '../groups/groups.ts';
import type { Account } from '../state/account.ts';
import type { Workflow } from '../state/records.ts';
import type { Logs } from '../system/logs.ts';
import { chooseVersion } from '../workers/versions.ts';
import { parseCron } from './cron.ts';

const MINUTE = 60_000;
const EVERY_MINUTE = '* * * * *';

type CreateInstance = (workflow: Workflow, schedule: CronSchedule) => Promise<void>;

export class ScheduledHandlerError extends Error {}

export class Scheduler {
  readonly #account: Account;
  readonly #groups: Groups;
  readonly #logs: Logs;
  readonly #createInstance: CreateInstance;
  #timer: NodeJS.Timeout | undefined;

  constructor(account: Account, groups: Groups, logs: Logs, createInstance: CreateInstance) {
    this.#account = account;
    this.#groups = groups;
    this.#logs = logs;
    this.#createInstance = createInstance;
  }

  /** Fire at every full minute. */
  open(): void {
    this.#timer = setTimeout(
      () => {
        this.fire(new Date(Math.round(Date.now() / MINUTE) * MINUTE));
        this.open();
      },
      MINUTE - (Date.now() % MINUTE),
    );
    this.#timer.unref();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  /** The Worker's first cron expression. */
  firstCron(worker: string): string {
    return this.#account.workers.get(worker)?.schedules[0]?.cron ?? EVERY_MINUTE;
  }

  /** Fire the schedules of Workers and of Workflows that match this time, which is a full minute. */
  fire(time: Date): void {
    for (const { name, schedules } of this.#account.workers.values())
      this.#fireAll(name, schedules, time, (cron) => this.run(name, cron, time));
    for (const workflow of this.#account.workflows.values())
      if (this.#account.workers.has(workflow.script_name))
        this.#fireAll(workflow.name, workflow.schedules ?? [], time, (cron) =>
          this.#createInstance(workflow, { cron, scheduledTime: time.valueOf() }),
        );
  }

  #fireAll(
    owner: string,
    schedules: readonly { cron: string }[],
    time: Date,
    run: (cron: string) => Promise<void>,
  ): void {
    for (const { cron } of schedules)
      if (parseCron(cron)?.(time))
        void run(cron).catch((error: Error) =>
          this.#logs.platformError(`cron "${cron}" of ${owner}: ${error.message}`),
        );
  }

  /** Run the Worker's handler until it ends; throws ScheduledHandlerError if it fails. */
  async run(worker: string, cron: string, time: Date): Promise<void> {
    const query = new URLSearchParams({ cron, time: String(time.valueOf()) });
    const record = this.#account.workers.get(worker);
    const name = record ? chooseVersion(this.#account, record) : worker;
    await this.#groups.use(`worker:${worker}`, async (runtime) => {
      const path = `/cdn-cgi/local/scheduled?${query}`;
      const { status, text } = await runtime.send({ path, headers: { 'mf-route-override': name } });
      if (status !== 200) throw new ScheduledHandlerError(text);
    });
  }
}
