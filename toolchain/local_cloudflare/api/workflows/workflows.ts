// Workflows and their versions.

import { isDeepStrictEqual } from 'node:util';
import { Hono } from 'hono';
import {
  invalidBody,
  invalidWorkflowName,
  noSuchVersion,
  noSuchWorker,
  noSuchWorkflow,
  unsupported,
} from '../../http/errors.ts';
import { readObject } from '../../http/requests.ts';
import { ok, okPage, paginate } from '../../http/responses.ts';
import { nextTime } from '../../schedules/cron.ts';
import { WORKFLOW_NAME, workflowFolder } from '../../state/layout.ts';
import { newId, now } from '../../state/new_records.ts';
import type { Workflow, WorkflowSettings, WorkflowVersion } from '../../state/records.ts';
import type { Platform } from '../context/platform.ts';
import { readSettings, type WorkflowBody } from './settings.ts';

const STATUSES = [
  'complete',
  'errored',
  'paused',
  'queued',
  'rollingBack',
  'running',
  'terminated',
  'waiting',
  'waitingForPause',
];

const NO_RETENTION = 'The embedded platform has no default retention: a Workflow or an instance can set one';
const NO_INSTANCES = { counts: {}, newest: undefined };

export function getWorkflow({ account }: Platform, name: string): Workflow {
  const workflow = account.workflows.get(name);
  if (!workflow) throw noSuchWorkflow(name);
  return workflow;
}

export function workflows(platform: Platform): Hono {
  const { account, groups } = platform;
  return new Hono()
    .get('/workflows', async (c) => {
      const search = c.req.query('search') ?? '';
      const all = [...account.workflows.values()].filter(({ name }) => name.includes(search));
      const { items, info } = paginate(c, all, 10);
      return ok(c, await Promise.all(items.map((workflow) => serialize(platform, workflow))), info);
    })
    .get('/workflows/settings', async (_, next) => {
      if (!account.workflows.has('settings')) throw unsupported(NO_RETENTION);
      await next();
    })
    .get('/workflows/:workflow', async (c) =>
      ok(c, await serialize(platform, getWorkflow(platform, c.req.param('workflow')))),
    )
    .put('/workflows/:workflow', async (c) => {
      const workflow = await assign(platform, c.req.param('workflow'), await readObject<WorkflowBody>(c));
      const { versions, ...record } = workflow;
      return ok(c, {
        ...record,
        is_deleted: 0,
        terminator_running: 0,
        triggered_on: null,
        version_id: versions[0]?.id,
      });
    })
    .delete('/workflows/:workflow', async (c) => {
      const { name } = getWorkflow(platform, c.req.param('workflow'));
      await groups.apply({ change: () => account.deleteWorkflow(name), erases: `workflow:${name}` });
      return ok(c, { status: 'ok', success: true });
    })
    .get('/workflows/:workflow/versions', (c) => {
      return okPage(c, getWorkflow(platform, c.req.param('workflow')).versions, serializeVersion);
    })
    .get('/workflows/:workflow/versions/:id', (c) => {
      const { versions } = getWorkflow(platform, c.req.param('workflow'));
      const version = versions.find(({ id }) => id === c.req.param('id'));
      if (!version) throw noSuchVersion(c.req.param('id'));
      return ok(c, serializeVersion(version));
    });
}

async function serialize(platform: Platform, workflow: Workflow): Promise<object> {
  const { versions: _, ...record } = workflow;
  const group = platform.groups.of(`workflow:${workflow.name}`);
  const folder = group && workflowFolder(group.folder, workflow.name);
  const { counts, newest } = folder
    ? await platform.groups.instanceReader.call('counts', { folder })
    : NO_INSTANCES;
  const instances = { ...Object.fromEntries(STATUSES.map((status) => [status, 0])), ...counts };
  const script_deleted = !platform.account.workers.has(workflow.script_name);
  return { ...record, ...withNextTimes(record), instances, triggered_on: newest ?? null, script_deleted };
}

function withNextTimes({ schedules }: Pick<Workflow, 'schedules'>): object {
  const next = (cron: string) => nextTime(cron, new Date())?.toISOString() ?? '';
  return schedules ? { schedules: schedules.map(({ cron }) => ({ cron, next_instance: next(cron) })) } : {};
}

function serializeVersion({ worker_version: _, ...version }: WorkflowVersion): object {
  return { ...version, has_dag: false, language: 'javascript' };
}

const settingsOf = ({ limits, concurrency, default_retention }: WorkflowSettings): WorkflowSettings => ({
  ...(limits && { limits }),
  ...(concurrency && { concurrency }),
  ...(default_retention && { default_retention }),
});

const isAlike = (first: WorkflowVersion, second: WorkflowVersion): boolean =>
  first.worker_version === second.worker_version &&
  first.class_name === second.class_name &&
  isDeepStrictEqual(settingsOf(first), settingsOf(second));

/** Assign the Workflow to a Worker. After a deploy of that Worker, this does not restart the group. */
async function assign(
  { account, groups }: Platform,
  name: string,
  body: Partial<WorkflowBody>,
): Promise<Workflow> {
  if (!WORKFLOW_NAME.test(name)) throw invalidWorkflowName(name);
  const { script_name = '', class_name = '' } = body;
  const worker = account.workers.get(script_name);
  if (!worker) throw noSuchWorker(script_name);
  if (!class_name) throw invalidBody('class_name is missing');
  const { concurrencyLimit } = groups;
  const settings = readSettings(name, body, { workflows: account.workflows, concurrencyLimit });
  const before = account.workflows.get(name);
  const time = now();
  const { id, created_on, versions: older } = before ?? { id: newId(), created_on: time, versions: [] };
  const version: WorkflowVersion = {
    id: newId(),
    class_name,
    created_on: time,
    modified_on: time,
    workflow_id: id,
    worker_version: worker.live,
    ...settingsOf(settings),
  };
  const versions = older[0] && isAlike(older[0], version) ? older : [version, ...older];
  const workflow = {
    id,
    name,
    created_on,
    script_name,
    class_name,
    modified_on: time,
    versions,
    ...settings,
  };
  await groups.apply({ change: () => account.saveWorkflow(workflow) });
  return workflow;
}
