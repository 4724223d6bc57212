// What tests steer the platform by, beside Cloudflare's API: served only where the environment says so.

import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { bearer } from '../api/context/authorization.ts';
import { type Platform, workerOf } from '../api/context/platform.ts';
import { wrongToken } from '../http/errors.ts';
import { bodyOf, listOf } from '../http/requests.ts';
import { ok } from '../http/responses.ts';
import { newId, now } from '../state/new_records.ts';
import type { Version, Worker } from '../state/records.ts';
import type { Kind, Token } from '../state/tokens.ts';
import { rebind, summaryOf } from '../workers/deploy.ts';
import { Calls, noting } from './calls.ts';
import { type Fault, Faults, failing } from './faults.ts';

const BASE = '/test-control';

interface Added extends Omit<Token, 'kinds' | 'id'> {
  token: string;
  kind: Kind;
  id?: string;
}

export class TestControl {
  readonly #faults = new Faults();
  readonly #calls = new Calls();

  /** What every call of the API passes first. */
  get middleware(): MiddlewareHandler[] {
    return [noting(this.#calls), failing(this.#faults)];
  }

  routes(platform: Platform): Hono {
    const { account, tokens } = platform;
    const app = new Hono().basePath(BASE);
    app.use('*', async (c, next) => {
      if (!tokens.isOwn(bearer(c))) throw wrongToken();
      await next();
    });
    return app
      .get('/faults', (c) => ok(c, this.#faults.shown()))
      .put('/faults', async (c) => {
        this.#faults.replace(await listOf<Fault>(c, 'faults'));
        return ok(c, this.#faults.shown());
      })
      .get('/calls', (c) => ok(c, this.#calls.all))
      .delete('/calls', (c) => {
        this.#calls.clear();
        return ok(c, null);
      })
      .put('/tokens', async (c) => {
        const added = await listOf<Added>(c, 'tokens');
        tokens.replace(added.map(({ token, kind, ...rest }) => [token, { ...rest, kinds: [kind] }]));
        return ok(c, null);
      })
      .put('/subdomain', async (c) => {
        account.subdomain = (await bodyOf<{ subdomain: string }>(c)).subdomain ?? '';
        return ok(c, null);
      })
      .post('/dashboard-edit', async (c) =>
        ok(c, await editedInDashboard(platform, await wantedWorker(platform, c))),
      )
      .post('/versions', async (c) => {
        const { worker, count = 0 } = await bodyOf<{ worker: string; count: number }>(c);
        return ok(c, addVersions(platform, workerOf(platform, worker ?? ''), count));
      });
  }
}

async function wantedWorker(platform: Platform, c: Context): Promise<Worker> {
  const { worker } = await bodyOf<{ worker: string }>(c);
  return workerOf(platform, worker ?? '');
}

/** As a person who deploys the same code with the dashboard's editor. */
async function editedInDashboard(platform: Platform, worker: Worker): Promise<object> {
  const bindings = platform.account.live(worker)?.bindings ?? [];
  await rebind(platform, worker, { source: 'dash', triggeredBy: 'upload', bindings });
  return { version_id: workerOf(platform, worker.name).live };
}

/** Upload the newest version again and again, and deploy none of them; return their ids, newest first. */
function addVersions({ account }: Platform, worker: Worker, count: number): string[] {
  const newest = account.newest(worker);
  if (!newest) return [];
  const added = Array.from({ length: count }, (_, at): Version => {
    return { ...newest, id: newId(), number: newest.number + at + 1, created_on: now(), source: 'api' };
  }).reverse();
  for (const version of added) account.keepVersion(worker.name, version);
  account.keepWorker({ ...worker, versions: [...added.map(summaryOf), ...worker.versions] });
  return added.map(({ id }) => id);
}
