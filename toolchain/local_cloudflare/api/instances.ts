import { type Context, Hono } from 'hono';
import type { Stored } from '../engine.ts';
import { numbered, ok } from '../envelope.ts';
import { noSuchInstance } from '../errors.ts';
import { Instances } from '../instance_control.ts';
import { outcome, stepOutput, steps, summary } from '../instances.ts';
import type { Workflow } from '../model.ts';
import { bodyOf, jsonOf, type Platform } from '../platform.ts';
import { workflowOf } from './workflows.ts';

const MAX_PER_PAGE = 100;
const PATH = '/workflows/:workflow/instances';

/** Runs of Workflows: read from the engine's files, changed through the group's control Worker. */
export function instances(platform: Platform): Hono {
  const control = new Instances(platform);
  const workflow = (c: Context) => workflowOf(platform, c.req.param('workflow') ?? '');
  const one = (c: Context) => control.read(workflow(c), c.req.param('id') ?? '');
  return new Hono()
    .get(PATH, async (c) => list(c, control, workflow(c)))
    .post(PATH, async (c) => ok(c, await control.create(workflow(c), await bodyOf(c))))
    .post(`${PATH}/batch`, async (c) => ok(c, await control.createAll(workflow(c), await jsonOf(c))))
    .post(`${PATH}/batch/delete`, async (c) => ok(c, await control.deleteAll(workflow(c), await bodyOf(c))))
    .get(`${PATH}/:id`, async (c) => ok(c, details(c, control, workflow(c), await one(c))))
    .delete(`${PATH}/:id`, async (c) => {
      await control.remove(workflow(c), c.req.param('id'));
      return ok(c, { success: true });
    })
    .get(`${PATH}/:id/step`, async (c) => {
      const found = stepOutput(await one(c), c.req.query('name') ?? '');
      if (!found) throw noSuchInstance(`${c.req.param('id')}/${c.req.query('name') ?? ''}`);
      return ok(c, found);
    })
    .patch(`${PATH}/:id/status`, async (c) =>
      ok(c, await control.change(workflow(c), c.req.param('id'), await bodyOf(c))),
    )
    .post(`${PATH}/:id/events/:type`, async (c) => {
      const instanceId = c.req.param('id');
      await control.sendEvent(workflow(c), instanceId, c.req.param('type'), await jsonOf(c));
      return ok(c, { instanceId, timestamp: new Date().toISOString() });
    });
}

async function list(c: Context, control: Instances, workflow: Workflow): Promise<Response> {
  const all = (await control.readAll(workflow)).filter((stored) => isWanted(c, stored));
  const isAscending = c.req.query('direction') === 'asc';
  all.sort((one, other) => (one.createdOn < other.createdOn === isAscending ? -1 : 1));
  const perPage = Math.min(numbered(c, 'per_page', 25), MAX_PER_PAGE);
  const cursor = c.req.query('cursor');
  const from = cursor
    ? all.findIndex(({ id }) => id === fromCursor(cursor)) + 1
    : (numbered(c, 'page', 1) - 1) * perPage;
  const items = all.slice(from, from + perPage);
  const last = items.at(-1);
  const info = {
    page: Math.floor(from / perPage) + 1,
    per_page: perPage,
    count: items.length,
    total_count: all.length,
    total_pages: Math.ceil(all.length / perPage),
    ...(last && from + perPage < all.length ? { cursor: toCursor(last.id) } : {}),
  };
  return ok(
    c,
    items.map((stored) => row(control, workflow, stored)),
    info,
  );
}

const toCursor = (id: string): string => Buffer.from(id).toString('base64url');
const fromCursor = (cursor: string): string => Buffer.from(cursor, 'base64url').toString();

function isWanted(c: Context, stored: Stored): boolean {
  const { status, date_start, date_end } = c.req.query();
  const created = Date.parse(stored.createdOn);
  return (
    (!status || summary(stored).status === status) &&
    (!date_start || created >= Date.parse(date_start)) &&
    (!date_end || created <= Date.parse(date_end))
  );
}

function row(control: Instances, workflow: Workflow, stored: Stored): object {
  const { status, start, end, modified } = summary(stored);
  return {
    id: stored.id,
    status,
    created_on: stored.createdOn,
    modified_on: modified,
    started_on: start,
    ended_on: end,
    version_id: control.versionOf(workflow, stored),
    workflow_id: workflow.id,
    trigger_source: control.triggerOf(workflow, stored.id),
  };
}

function details(c: Context, control: Instances, workflow: Workflow, stored: Stored): object {
  const { status, queued, start, end } = summary(stored);
  const all = steps(stored);
  if (c.req.query('order') === 'desc') all.reverse();
  return {
    status,
    params: stored.params ?? null,
    trigger: { source: control.triggerOf(workflow, stored.id) },
    versionId: control.versionOf(workflow, stored),
    queued,
    start,
    end,
    ...outcome(stored),
    ...(c.req.query('simple') === 'true' ? { steps: [] } : { steps: all }),
    step_count: all.length,
    rollback: null,
  };
}
