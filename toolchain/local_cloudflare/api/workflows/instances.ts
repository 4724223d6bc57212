import { type Context, Hono } from 'hono';
import type { Row } from '../../engine/instance_index.ts';
import type { Wanted } from '../../engine/list.ts';
import { invalidInstance } from '../../http/errors.ts';
import { bodyOf, jsonOf, numbered } from '../../http/requests.ts';
import { ok, okText } from '../../http/responses.ts';
import { Batches } from '../../instances/batches.ts';
import type { Instances } from '../../instances/instances.ts';
import type { Workflow } from '../../state/records.ts';
import type { Platform } from '../context/platform.ts';
import { workflowOf } from './workflows.ts';

const MAX_PER_PAGE = 100;
const PATH = '/workflows/:workflow/instances';

/** Runs of Workflows: read from the engine's files, changed through the group's control Worker. */
export function instances(platform: Platform): Hono {
  const control = platform.instances;
  const workflow = (c: Context) => workflowOf(platform, c.req.param('workflow') ?? '');
  return new Hono()
    .route('/', batches(platform, new Batches(control)))
    .get(PATH, async (c) => list(c, control, workflow(c)))
    .get(`${PATH}/`, async (c) => list(c, control, workflow(c))) // as wrangler asks for the latest
    .post(PATH, async (c) => ok(c, await control.create(workflow(c), await bodyOf(c))))
    .get(`${PATH}/:id`, async (c) => details(c, control, workflow(c)))
    .delete(`${PATH}/:id`, async (c) => {
      await control.remove(workflow(c), c.req.param('id'));
      return ok(c, { success: true });
    })
    .get(`${PATH}/:id/step`, async (c) => step(c, control, workflow(c)))
    .patch(`${PATH}/:id/status`, async (c) =>
      ok(c, await control.change(workflow(c), c.req.param('id'), await bodyOf(c))),
    )
    .post(`${PATH}/:id/events/:type`, async (c) => {
      const instanceId = c.req.param('id');
      await control.sendEvent(workflow(c), instanceId, c.req.param('type'), await jsonOf(c));
      return ok(c, { instanceId, timestamp: new Date().toISOString() });
    });
}

function batches(platform: Platform, many: Batches): Hono {
  const workflow = (c: Context) => workflowOf(platform, c.req.param('workflow') ?? '');
  return new Hono()
    .post(`${PATH}/batch`, async (c) => {
      const { made, refused } = await many.create(workflow(c), await jsonOf(c));
      const messages = refused.map(({ code, message }) => ({ code, message }));
      return ok(c, made, undefined, messages);
    })
    .post(`${PATH}/batch/delete`, async (c) => {
      const { instances } = await bodyOf<{ instances: unknown }>(c);
      return ok(c, await many.delete(workflow(c), instances));
    })
    .post(`${PATH}/batch/terminate`, async (c) => ok(c, await many.terminate(workflow(c), await jsonOf(c))))
    .put(`${PATH}/terminate`, (c) => ok(c, many.terminateAll(workflow(c), c.req.query('status'))))
    .get(`${PATH}/terminate`, (c) =>
      ok(c, { status: many.isTerminating(workflow(c)) ? 'running' : 'not_running' }),
    );
}

async function list(c: Context, control: Instances, workflow: Workflow): Promise<Response> {
  const wanted = wantedOf(c);
  const { rows, page, total, cursor } = await control.list(workflow, wanted);
  const info = {
    page,
    per_page: wanted.perPage,
    count: rows.length,
    total_count: total,
    total_pages: Math.ceil(total / wanted.perPage),
    ...(cursor && { cursor }),
  };
  const items = rows.map((row) => shown(control, workflow, row));
  return ok(c, items, info);
}

function wantedOf(c: Context): Wanted {
  const { status, cursor, direction } = c.req.query();
  return {
    status: status || undefined,
    from: time(c, 'date_start'),
    to: time(c, 'date_end'),
    isAscending: direction === 'asc',
    perPage: Math.min(numbered(c, 'per_page', 25), MAX_PER_PAGE),
    page: numbered(c, 'page', 1),
    cursor: cursor || undefined,
  };
}

/** A time without a zone is in UTC. */
function time(c: Context, name: string): number | undefined {
  const text = c.req.query(name);
  if (!text) return undefined;
  const hasZone = !text.includes('T') || /(Z|[+-]\d{2}:?\d{2})$/i.test(text);
  const found = Date.parse(hasZone ? text : `${text}Z`);
  if (Number.isNaN(found)) throw invalidInstance(`${name} is not a date`);
  return found;
}

function shown(control: Instances, workflow: Workflow, row: Row): object {
  return {
    id: row.id,
    status: row.status,
    created_on: row.createdOn,
    modified_on: row.modified,
    started_on: row.start,
    ended_on: row.end,
    version_id: control.versionOf(workflow, row),
    workflow_id: workflow.id,
    trigger_source: control.triggerOf(workflow, row.id),
  };
}

async function details(c: Context, control: Instances, workflow: Workflow): Promise<Response> {
  const isDescending = c.req.query('order') === 'desc';
  const isSimple = c.req.query('simple') === 'true';
  const found = await control.describe(workflow, c.req.param('id') ?? '', { isDescending, isSimple });
  const { id, createdOn, stepCount, steps, ...told } = found;
  const head = {
    ...told,
    trigger: { source: control.triggerOf(workflow, id) },
    versionId: control.versionOf(workflow, { createdOn }),
    step_count: stepCount,
  };
  return okText(c, `${JSON.stringify(head).slice(0, -1)},"steps":${steps}}`);
}

async function step(c: Context, control: Instances, workflow: Workflow): Promise<Response> {
  const { name = '', type = '' } = c.req.query();
  const asked = { name, type, attempt: numbered(c, 'attempt', 0) };
  const { bytes, stream: _, ...found } = await control.step(workflow, c.req.param('id') ?? '', asked);
  if (bytes) return c.body(Buffer.from(bytes), 200, { 'content-type': 'application/octet-stream' });
  return ok(c, found);
}
