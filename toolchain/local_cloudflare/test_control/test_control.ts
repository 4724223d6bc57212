// Calls that tests use besides Cloudflare's API, served only if LOCAL_CLOUDFLARE_TEST_CONTROL is set.

import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { bearerToken } from '../api/context/authorization.ts';
import { getWorker, type Platform } from '../api/context/platform.ts';
import { invalidAccessToken } from '../http/errors.ts';
import { readList, readObject } from '../http/requests.ts';
import { ok } from '../http/responses.ts';
import type { Scheduler } from '../schedules/scheduler.ts';
import { newId, now } from '../state/new_records.ts';
import type { Version, Worker } from '../state/records.ts';
import type { Kind, Token } from '../state/tokens.ts';
import { redeploy, toSummary } from '../workers/deploy.ts';
import { Calls, recordCalls } from './calls.ts';
import { type Fault, Faults, injectFaults } from './faults.ts';

const BASE = '/test-control';

interface AddedToken extends Omit<Token, 'kinds' | 'id'> {
  token: string;
  kind: Kind;
  id?: string;
}

export class TestControl {
  readonly #faults = new Faults();
  readonly #calls = new Calls();

  /** Runs before every API call. */
  get middleware(): MiddlewareHandler[] {
    return [recordCalls(this.#calls), injectFaults(this.#faults)];
  }

  routes(platform: Platform, scheduler: Scheduler): Hono {
    const { account, tokens } = platform;
    const app = new Hono().basePath(BASE);
    app.use('*', async (c, next) => {
      if (!tokens.isOwn(bearerToken(c))) throw invalidAccessToken();
      await next();
    });
    return app
      .get('/faults', (c) => ok(c, this.#faults.list()))
      .put('/faults', async (c) => {
        this.#faults.replace(await readList<Fault>(c, 'faults'));
        return ok(c, this.#faults.list());
      })
      .get('/calls', (c) => ok(c, this.#calls.all))
      .delete('/calls', (c) => {
        this.#calls.clear();
        return ok(c, null);
      })
      .put('/tokens', async (c) => {
        const added = await readList<AddedToken>(c, 'tokens');
        tokens.replace(added.map(({ token, kind, ...rest }) => [token, { ...rest, kinds: [kind] }]));
        return ok(c, null);
      })
      .put('/subdomain', async (c) => {
        account.subdomain = (await readObject<{ subdomain: string }>(c)).subdomain ?? '';
        return ok(c, null);
      })
      .post('/minutes', async (c) => {
        scheduler.fire(new Date((await readObject<{ time: string }>(c)).time ?? ''));
        return ok(c, null);
      })
      .post('/dashboard-edit', async (c) =>
        ok(c, await editInDashboard(platform, await workerInBody(platform, c))),
      )
      .post('/versions', async (c) => {
        const { worker, count = 0 } = await readObject<{ worker: string; count: number }>(c);
        return ok(c, addVersions(platform, getWorker(platform, worker ?? ''), count));
      });
  }
}

async function workerInBody(platform: Platform, c: Context): Promise<Worker> {
  const { worker } = await readObject<{ worker: string }>(c);
  return getWorker(platform, worker ?? '');
}

/** Deploy the same code again, as if by the dashboard's editor. */
async function editInDashboard(platform: Platform, worker: Worker): Promise<object> {
  const bindings = platform.account.live(worker)?.bindings ?? [];
  await redeploy(platform, worker, { source: 'dash', triggeredBy: 'upload', bindings });
  return { version_id: getWorker(platform, worker.name).live };
}

/** Add copies of the newest version without deploying them; return their ids, newest first. */
function addVersions({ account }: Platform, worker: Worker, count: number): string[] {
  const newest = account.newest(worker);
  if (!newest) return [];
  const added = Array.from({ length: count }, (_, index): Version => {
    return { ...newest, id: newId(), number: newest.number + index + 1, created_on: now(), source: 'api' };
  }).reverse();
  for (const version of added) account.saveVersion(worker.name, version);
  account.saveWorker({ ...worker, versions: [...added.map(toSummary), ...worker.versions] });
  return added.map(({ id }) => id);
}
