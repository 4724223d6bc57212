// Instances of Workflows: read from the engine's files, changed through the group's control Worker.

import { type Context, Hono } from 'hono';
import type { Row } from '../../engine/instance_index.ts';
import type { ListQuery } from '../../engine/list.ts';
import { invalidInstance } from '../../http/errors.ts';
import { positiveInteger, readBody, readObject } from '../../http/requests.ts';
import { ok, okJson } from '../../http/responses.ts';
import { Batches } from '../../instances/batches.ts';
import type { Instances } from '../../instances/instances.ts';
import type { Workflow } from '../../state/records.ts';
import type { Platform } from '../context/platform.ts';
import { getWorkflow } from './workflows.ts';

const MAX_PER_PAGE = 100;
const PATH = '/workflows/:workflow/instances';

export function instances(platform: Platform): Hono {
  const control = platform.instances;
  const workflow = (c: Context) => getWorkflow(platform, c.req.param('workflow') ?? '');
  return new Hono()
    .route('/', batches(platform, new Batches(control)))
    .get(PATH, async (c) => list(c, control, workflow(c)))
    .get(`${PATH}/`, async (c) => list(c, control, workflow(c))) // wrangler uses this path to find the latest
    .post(PATH, async (c) => ok(c, await control.create(workflow(c), await readObject(c))))
    .get(`${PATH}/:id`, async (c) => describe(c, control, workflow(c)))
    .delete(`${PATH}/:id`, async (c) => {
      await control.remove(workflow(c), c.req.param('id'));
      return ok(c, { success: true });
    })
    .get(`${PATH}/:id/step`, async (c) => step(c, control, workflow(c)))
    .patch(`${PATH}/:id/status`, async (c) =>
      ok(c, await control.change(workflow(c), c.req.param('id'), await readObject(c))),
    )
    .post(`${PATH}/:id/events/:type`, async (c) => {
      const instanceId = c.req.param('id');
      await control.sendEvent(workflow(c), instanceId, c.req.param('type'), await readBody(c));
      return ok(c, { instanceId, timestamp: new Date().toISOString() });
    });
}

function batches(platform: Platform, instances: Batches): Hono {
  const workflow = (c: Context) => getWorkflow(platform, c.req.param('workflow') ?? '');
  return new Hono()
    .post(`${PATH}/batch`, async (c) => {
      const { created, errors } = await instances.create(workflow(c), await readBody(c));
      const messages = errors.map(({ code, message }) => ({ code, message }));
      return ok(c, created, undefined, messages);
    })
    .post(`${PATH}/batch/delete`, async (c) => {
      const { instances: ids } = await readObject<{ instances: unknown }>(c);
      return ok(c, await instances.delete(workflow(c), ids));
    })
    .post(`${PATH}/batch/terminate`, async (c) =>
      ok(c, await instances.terminate(workflow(c), await readBody(c))),
    )
    .put(`${PATH}/terminate`, (c) => ok(c, instances.terminateAll(workflow(c), c.req.query('status'))))
    .get(`${PATH}/terminate`, (c) =>
      ok(c, { status: instances.isTerminating(workflow(c)) ? 'running' : 'not_running' }),
    );
}

async function list(c: Context, control: Instances, workflow: Workflow): Promise<Response> {
  const query = readQuery(c);
  const { rows, page, total, cursor } = await control.list(workflow, query);
  const info = {
    page,
    per_page: query.perPage,
    count: rows.length,
    total_count: total,
    total_pages: Math.ceil(total / query.perPage),
    ...(cursor && { cursor }),
  };
  const items = rows.map((row) => serialize(control, workflow, row));
  return ok(c, items, info);
}

function readQuery(c: Context): ListQuery {
  const { status, cursor, direction } = c.req.query();
  return {
    status: status || undefined,
    from: readTime(c, 'date_start'),
    to: readTime(c, 'date_end'),
    isAscending: direction === 'asc',
    perPage: Math.min(positiveInteger(c, 'per_page', 25), MAX_PER_PAGE),
    page: positiveInteger(c, 'page', 1),
    cursor: cursor || undefined,
  };
}

/** A time without a time zone is in UTC. */
function readTime(c: Context, name: string): number | undefined {
  const text = c.req.query(name);
  if (!text) return undefined;
  const hasZone = !text.includes('T') || /(Z|[+-]\d{2}:?\d{2})$/i.test(text);
  const time = Date.parse(hasZone ? text : `${text}Z`);
  if (Number.isNaN(time)) throw invalidInstance(`${name} must be a date`);
  return time;
}

function serialize(control: Instances, workflow: Workflow, row: Row): object {
  return {
    id: row.id,
    status: row.status,
    created_on: row.createdOn,
    modified_on: row.modified,
    started_on: row.start,
    ended_on: row.end,
    version_id: control.versionOf(workflow, row),
    workflow_id: workflow.id,
    trigger_source: control.triggerOf(workflow, row),
  };
}

async function describe(c: Context, control: Instances, workflow: Workflow): Promise<Response> {
  const isDescending = c.req.query('order') === 'desc';
  const isSimple = c.req.query('simple') === 'true';
  const found = await control.describe(workflow, c.req.param('id') ?? '', { isDescending, isSimple });
  const { id, createdOn, stepCount, steps, ...details } = found;
  const head = {
    ...details,
    trigger: { source: control.triggerOf(workflow, { id, schedule: details.schedule }) },
    versionId: control.versionOf(workflow, { createdOn }),
    step_count: stepCount,
  };
  return okJson(c, `${JSON.stringify(head).slice(0, -1)},"steps":${steps}}`);
}

async function step(c: Context, control: Instances, workflow: Workflow): Promise<Response> {
  const { name = '', type = '' } = c.req.query();
  const query = { name, type, attempt: positiveInteger(c, 'attempt', 0) };
  const { bytes, stream: _, ...found } = await control.step(workflow, c.req.param('id') ?? '', query);
  if (bytes) return c.body(Buffer.from(bytes), 200, { 'content-type': 'application/octet-stream' });
  return ok(c, found);
}
