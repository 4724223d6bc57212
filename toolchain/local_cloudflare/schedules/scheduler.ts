// Fires cron triggers.
//
// As under `wrangler dev`, a request to the Worker's own host fires one immediately (see routing/proxy.ts):
// GET or POST /cdn-cgi/handler/scheduled?cron=*+*+*+*+*&time=1767225600000

import type { Groups } from '../groups/groups.ts';
import type { Account } from '../state/account.ts';
import type { Logs } from '../system/logs.ts';
import { chooseVersion } from '../workers/versions.ts';
import { parseCron } from './cron.ts';

const MINUTE = 60_000;
const EVERY_MINUTE = '* * * * *';

export class ScheduledHandlerError extends Error {}

export class Scheduler {
  readonly #account: Account;
  readonly #groups: Groups;
  readonly #logs: Logs;
  #timer: NodeJS.Timeout | undefined;

  constructor(account: Account, groups: Groups, logs: Logs) {
    this.#account = account;
    this.#groups = groups;
    this.#logs = logs;
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

  fire(time: Date): void {
    for (const worker of this.#account.workers.values())
      for (const { cron } of worker.schedules)
        if (parseCron(cron)?.(time))
          void this.run(worker.name, cron, time).catch((error: Error) =>
            this.#logs.platformError(`cron "${cron}" of ${worker.name}: ${error.message}`),
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
