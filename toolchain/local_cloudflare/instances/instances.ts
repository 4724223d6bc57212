// Creates, reads and changes the instances of Workflows. Changes are made by the engine in the Workflow's group.

import { type CronSchedule, type InstanceSummary, isFinal } from '../engine/instance_file.ts';
import type { Row } from '../engine/instance_index.ts';
import type { ListQuery, Page } from '../engine/list.ts';
import type { InstanceReader } from '../engine/reader.ts';
import type { Operations } from '../engine/reader_thread.ts';
import type { StepQuery } from '../engine/step_output.ts';
import type { Group } from '../groups/group.ts';
import type { Groups } from '../groups/groups.ts';
import {
  ApiError,
  instanceExists,
  instanceIsBusy,
  invalidInstance,
  noSuchInstance,
  noSuchStep,
  workflowFailed,
  workflowHasNoWorker,
} from '../http/errors.ts';
import { isText, shown } from '../http/names.ts';
import { checkSettings } from '../http/requests.ts';
import { instanceFile, workflowFolder } from '../state/layout.ts';
import type { Workflow } from '../state/records.ts';
import { readRetention } from '../workflow_limits/retention.ts';
import { type TriggerSource, TriggerSources } from './trigger_sources.ts';

const INSTANCE_ID = /^[a-zA-Z0-9_][a-zA-Z0-9_-]{0,99}$/;
/** Names of API calls, which would shadow an instance with that id. */
const RESERVED = ['batch', 'terminate', 'terminateAll'];
const ACTIONS = ['pause', 'resume', 'restart', 'terminate'];
/** Cloudflare reserves such ids for its own instances. */
const CLOUDFLARES_ID = /^cf_[0-9a-f]{64}$/;
const MAX_PAYLOAD_BYTES = 2 ** 20;
const CREATE_MILLISECONDS = 5000;
const POLL_MILLISECONDS = 20;
const INSTANCE_SETTINGS = ['instance_id', 'params', 'instance_retention', 'location_hint'];
/** Where an instance should run is only a hint, and here there is one place. */
const LOCATIONS = ['wnam', 'enam', 'sam', 'weur', 'eeur', 'apac', 'apac-ne', 'apac-se', 'oc', 'afr', 'me'];

export interface NewInstance {
  instance_id: string;
  params: unknown;
  instance_retention: unknown;
  location_hint: unknown;
}

interface StatusChange {
  status: string;
  action: string;
  from: object;
  rollback: boolean;
}

interface EngineResult {
  created: string[];
  errors: { id: string; code: number; message: string }[];
}

export interface CreateResult {
  created: object[];
  /** Why the engine rejected the others. */
  errors: ApiError[];
}

interface DetailOptions {
  isDescending: boolean;
  isSimple: boolean;
}

type Details = NonNullable<Awaited<ReturnType<Operations['describe']>>>;
type StepDetails = NonNullable<Awaited<ReturnType<Operations['step']>>>;

export class Instances {
  readonly #groups: Groups;
  readonly #triggerSources: TriggerSources;

  constructor(groups: Groups, state: string) {
    this.#groups = groups;
    this.#triggerSources = new TriggerSources(state);
  }

  get #reader(): InstanceReader {
    return this.#groups.instanceReader;
  }

  list(workflow: Workflow, query: ListQuery): Promise<Page> {
    return this.#read(workflow, (folder) => this.#reader.call('list', { ...query, folder }));
  }

  unfinished(workflow: Workflow, status?: string): Promise<Row[]> {
    return this.#read(workflow, (folder) => this.#reader.call('unfinished', { folder, status }));
  }

  async describe(workflow: Workflow, id: string, options: DetailOptions): Promise<Details> {
    const found = await this.#read(workflow, (folder) =>
      this.#reader.call('describe', { file: instanceFile(folder, workflow.name, id), ...options }),
    );
    if (!found) throw noSuchInstance(id);
    return found;
  }

  async step(workflow: Workflow, id: string, query: StepQuery): Promise<StepDetails> {
    await this.read(workflow, id);
    const found = await this.#read(workflow, (folder) =>
      this.#reader.call('step', { file: instanceFile(folder, workflow.name, id), ...query }),
    );
    if (!found) throw noSuchStep(id, query.name);
    return found;
  }

  async read(workflow: Workflow, id: string): Promise<InstanceSummary> {
    const found = await this.#read(workflow, (folder) =>
      this.#reader.call('summary', { file: instanceFile(folder, workflow.name, id) }),
    );
    if (!found) throw noSuchInstance(id);
    return found;
  }

  /** Read without waiting for the group's process. If files were moved in the meantime, read again. */
  async #read<T>(workflow: Workflow, read: (folder: string) => Promise<T>): Promise<T> {
    for (;;) {
      const group = this.#group(workflow);
      const result = await read(workflowFolder(group.folder, workflow.name)).catch((error: unknown) => {
        throw isBusy(error) ? instanceIsBusy() : error;
      });
      if (group === this.#group(workflow)) return result;
    }
  }

  #group(workflow: Workflow): Group {
    const group = this.#groups.of(`workflow:${workflow.name}`);
    if (!group) throw hasNoWorker(workflow);
    return group;
  }

  async create(workflow: Workflow, instance: Partial<NewInstance>): Promise<object> {
    const { created, errors } = await this.createAll(workflow, [instance]);
    if (errors[0]) throw errors[0];
    return created[0] ?? {};
  }

  /** Return once the instances are on disk, so that the next call finds them. */
  async createAll(workflow: Workflow, requested: Partial<NewInstance>[]): Promise<CreateResult> {
    const instances = requested.map((instance) => toEngine(workflow, instance));
    const { created, errors } = await this.control<EngineResult>(workflow, 'createAll', { instances });
    this.#triggerSources.addCreated(workflow.name, created);
    const folder = workflowFolder(this.#group(workflow).folder, workflow.name);
    const files = created.map((id) => instanceFile(folder, workflow.name, id));
    const summaries = await this.#reader.call('awaitNew', { files, milliseconds: CREATE_MILLISECONDS });
    return {
      created: created.map((id, index) => toCreated(workflow, id, summaries[files[index] ?? ''])),
      errors: errors.map(toCreateError),
    };
  }

  /** The id says what created the instance, so that a schedule that fires twice at the same time creates one. */
  async createScheduled(workflow: Workflow, schedule: CronSchedule): Promise<void> {
    const id = `${schedule.cron}-${schedule.scheduledTime}`;
    await this.control(workflow, 'createScheduled', { id, schedule });
  }

  /** The ids of instances that have been kept for as long as they should be. */
  expired(workflow: Workflow): Promise<string[]> {
    const defaults = workflow.versions.map(({ created_on, default_retention }) => ({
      since: created_on,
      success: default_retention?.success_retention,
      error: default_retention?.error_retention,
    }));
    return this.#read(workflow, (folder) =>
      this.#reader.call('expired', { folder, now: Date.now(), defaults }),
    );
  }

  async change(workflow: Workflow, id: string, body: Partial<StatusChange>): Promise<object> {
    const action = body.status ?? body.action ?? '';
    if (!ACTIONS.includes(action)) throw invalidInstance(`status must be one of: ${ACTIONS.join(', ')}`);
    const before = await this.read(workflow, id);
    if (isFinal(before.engine) && action !== 'restart')
      throw invalidInstance(`cannot ${action} instance "${id}": it is ${before.status}`);
    const run = () => this.control(workflow, action, { id, from: body.from, rollback: body.rollback });
    if (action === 'restart') await this.#group(workflow).unloading.run(run);
    else if (action === 'terminate' && body.rollback) await this.#whenRollingBack(workflow, id, run());
    else await run();
    const { status } = await this.read(workflow, id);
    return { status, timestamp: new Date().toISOString() };
  }

  /** Rolling back may take as long as the rollbacks are retried, so return once it has started. */
  async #whenRollingBack(workflow: Workflow, id: string, terminated: Promise<unknown>): Promise<void> {
    let isDone = false;
    const done = terminated.finally(() => {
      isDone = true;
    });
    const started = async (): Promise<void> => {
      while (!isDone && (await this.read(workflow, id)).status !== 'rollingBack')
        await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
    };
    done.catch(() => undefined); // its process may end before the rollbacks, and the next one continues them
    await Promise.race([done, started()]);
  }

  async sendEvent(workflow: Workflow, id: string, type: string, payload: unknown): Promise<void> {
    if (!INSTANCE_ID.test(type)) throw invalidInstance(`"${type}" is not a valid event type`);
    checkPayload(payload, 'Event');
    const before = await this.read(workflow, id);
    if (isFinal(before.engine)) throw invalidInstance(`instance "${id}" is ${before.status}`);
    await this.control(workflow, 'event', { id, type, payload });
  }

  async remove(workflow: Workflow, id: string): Promise<void> {
    await this.read(workflow, id);
    await this.control(workflow, 'delete', { id });
  }

  /** The version that was the newest when the instance was created. */
  versionOf(workflow: Workflow, { createdOn }: { createdOn: string }): string {
    const version = workflow.versions.find(({ created_on }) => created_on <= createdOn);
    return (version ?? workflow.versions.at(-1))?.id ?? '';
  }

  triggerOf(workflow: Workflow, { id, schedule }: Pick<InstanceSummary, 'id' | 'schedule'>): TriggerSource {
    return schedule ? 'cron' : this.#triggerSources.of(workflow.name, id);
  }

  /** Forget what is stored about the instances of a Workflow that was deleted. */
  forget(workflow: string): void {
    this.#triggerSources.forget(workflow);
  }

  /** Call the control Worker of the Workflow's group, which is started if necessary. */
  async control<T>(workflow: Workflow, operation: string, options: object): Promise<T> {
    const node = `workflow:${workflow.name}`;
    const group = await this.#groups.whenSettled(node);
    if (!group?.hasOwnerOf(workflow.name)) throw hasNoWorker(workflow);
    try {
      const reply = await this.#groups.use(node, async (runtime) => ({
        result: await runtime.control<T>(node, operation, options),
      }));
      if (!reply) throw hasNoWorker(workflow);
      return reply.result;
    } catch (error) {
      throw toApiError(error, 'id' in options ? String(options.id) : '');
    }
  }
}

const hasNoWorker = ({ name, script_name }: Workflow): ApiError => workflowHasNoWorker(name, script_name);

function toEngine({ name }: Workflow, instance: Partial<NewInstance>): object {
  const { instance_id, params, instance_retention, location_hint } = instance;
  const owner = `an instance of Workflow "${name}"`;
  checkSettings(instance, INSTANCE_SETTINGS, owner);
  if (location_hint !== undefined && !LOCATIONS.includes(String(location_hint)))
    throw invalidInstance(
      `location_hint must be one of ${LOCATIONS.join(', ')}, not ${shown(location_hint)}`,
    );
  const retention = readRetention('instance_retention', instance_retention, owner);
  return {
    id: checkId(instance_id ?? crypto.randomUUID()),
    params: checkPayload(parseParams(params), 'Workflow instance'),
    ...(retention && {
      retention: {
        successRetention: retention.success_retention,
        errorRetention: retention.error_retention,
      },
    }),
  };
}

function checkId(id: string): string {
  if (!isText(id) || !INSTANCE_ID.test(id) || RESERVED.includes(id) || CLOUDFLARES_ID.test(id))
    throw invalidInstance(`"${id}" is not a valid instance id`);
  return id;
}

/** The message is that of a binding, in workflow_limits/limits.js. */
function checkPayload(payload: unknown, what: string): unknown {
  if (Buffer.byteLength(JSON.stringify(payload) ?? '') > MAX_PAYLOAD_BYTES)
    throw invalidInstance(`${what} payload is too large. Maximum allowed size is 1MiB.`);
  return payload;
}

function toCreated(workflow: Workflow, id: string, summary: InstanceSummary | undefined): object {
  return {
    id,
    status: summary?.status ?? 'queued',
    version_id: workflow.versions[0]?.id ?? '',
    workflow_id: workflow.id,
    trigger_source: 'api',
  };
}

function toCreateError({ id, code, message }: EngineResult['errors'][number]): ApiError {
  return code === instanceExists(id).code
    ? instanceExists(id)
    : new ApiError(400, code, `${message}: "${id}"`);
}

/** `params` is a value, or its JSON text. */
function parseParams(params: unknown): unknown {
  if (typeof params !== 'string') return params;
  try {
    return JSON.parse(params);
  } catch {
    throw invalidInstance('params must be JSON');
  }
}

/** Whether the file of an instance was locked for the platform or for the engine. */
const isBusy = (error: unknown): boolean => error instanceof Error && error.message.includes('SQLITE_BUSY');

function toApiError(error: unknown, id: string): unknown {
  if (error instanceof ApiError || !(error instanceof Error)) return error;
  if (isBusy(error)) return instanceIsBusy();
  if (error.message.includes('instance.not_found')) return noSuchInstance(id);
  if (error.message.includes('instance.')) return invalidInstance(error.message);
  return workflowFailed(error.message);
}
