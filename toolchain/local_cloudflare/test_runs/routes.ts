// The calls of test runs that Cloudflare's API does not have.

import { type Context, Hono } from 'hono';
import { bearerToken } from '../api/context/authorization.ts';
import { getWorkflow } from '../api/workflows/workflows.ts';
import { engineNode } from '../control_worker/miniflare_plugins.ts';
import { invalidAccessToken, invalidBody } from '../http/errors.ts';
import { readObject } from '../http/requests.ts';
import { ok } from '../http/responses.ts';
import type { Answer } from './outbound_requests.ts';
import type { TestRuns } from './test_runs.ts';

interface Pin {
  /** The step's output, or the payload of the event that a wait receives. */
  result?: unknown;
  /** The same for each time that the step runs: the first result for the first time, and so on. */
  results?: unknown[];
  /**
   * The first attempts fail, or all if `times` is null; they time out if `message` is null. After a final failure, the
   * step is not tried again.
   */
  failures?: { times: number | null; message: string | null; final?: boolean };
}

/** How a test run differs from others. */
interface TestPlan {
  /** How many times as fast as real time sleeps, waits and retry delays pass; null skips them. */
  speed: number | null;
  /** The name of the step at which the run stops, or null. */
  until: string | null;
  /** By the name of the step, without the indices of loops. */
  pins: Record<string, Pin>;
  /** The requests that the run may make, and the responses to them; null if they are really sent. */
  requests?: Answer[] | null;
}

interface NewTestRun {
  instance_id: string;
  params: unknown;
  plan: TestPlan;
}

export function routes(runs: TestRuns): Hono {
  const app = new Hono().basePath('/workers/:worker');
  app.use('*', async (c, next) => {
    if (!runs.platform.tokens.isOwn(bearerToken(c))) throw invalidAccessToken();
    await next();
  });
  return app
    .get('/logs', (c) => ok(c, runs.logs(c.req.param('worker') ?? '')))
    .get('/requests', (c) => ok(c, runs.requests.made(c.req.param('worker') ?? '')))
    .post('/runs', async (c) => ok(c, await start(runs, c)))
    .delete('/', async (c) => {
      await runs.remove(c.req.param('worker') ?? '');
      return ok(c, null);
    });
}

/** Start a run of the Worker's Workflow, which has the same name. */
async function start({ platform, requests }: TestRuns, c: Context): Promise<object> {
  const workflow = getWorkflow(platform, c.req.param('worker') ?? '');
  const { instance_id, params, plan } = await readObject<NewTestRun>(c);
  if (!instance_id || !plan) throw invalidBody('instance_id and plan are missing');
  requests.plan(workflow.name, plan.requests ?? null);
  await platform.groups.use(`workflow:${workflow.name}`, (runtime) =>
    runtime.control(engineNode(workflow.name), 'planTest', { id: instance_id, plan }),
  );
  return platform.instances.create(workflow, { instance_id, params });
}
