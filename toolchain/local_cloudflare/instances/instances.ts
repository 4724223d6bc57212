// Instances: made, read and changed. Each Workflow's group does the work; here is what the group does not know.

import path from 'node:path';
import { isFinal, type Outline } from '../engine/instance_file.ts';
import type { Row } from '../engine/instance_index.ts';
import type { Page, Wanted } from '../engine/list.ts';
import type { RunReader } from '../engine/reader.ts';
import type { Operations } from '../engine/reader_thread.ts';
import type { Asked } from '../engine/step_output.ts';
import type { Group } from '../groups/group.ts';
import type { Groups } from '../groups/groups.ts';
import {
  ApiError,
  instanceExists,
  invalidInstance,
  noSuchInstance,
  noSuchStep,
  workflowFailed,
  workflowHasNoWorker,
} from '../http/errors.ts';
import { objectId, workflowFolder, workflowKey } from '../state/layout.ts';
import type { Workflow } from '../state/records.ts';
import { type Trigger, Triggers } from './trigger_sources.ts';

const INSTANCE_ID = /^[a-zA-Z0-9_][a-zA-Z0-9_-]{0,99}$/;
/** Names of calls, which no instance may have. */
const RESERVED = ['batch', 'terminate', 'terminateAll'];
const ACTIONS = ['pause', 'resume', 'restart', 'terminate'];
const BEGIN_MILLISECONDS = 5000;

export interface New {
  instance_id: string;
  params: unknown;
}

interface Change {
  status: string;
  action: string;
  from: object;
  rollback: boolean;
}

interface Created {
  created: string[];
  errors: { id: string; code: number; message: string }[];
}

export interface Made {
  made: object[];
  /** What the engine refused, and why. */
  refused: ApiError[];
}

interface How {
  isDescending: boolean;
  isSimple: boolean;
}

type Whole = NonNullable<Awaited<ReturnType<Operations['describe']>>>;
type StepFound = NonNullable<Awaited<ReturnType<Operations['step']>>>;

export class Instances {
  readonly #groups: Groups;
  readonly #triggers: Triggers;

  constructor(groups: Groups, state: string) {
    this.#groups = groups;
    this.#triggers = new Triggers(state);
  }

  get #runs(): RunReader {
    return this.#groups.runs;
  }

  list(workflow: Workflow, wanted: Wanted): Promise<Page> {
    return this.#ask(workflow, (folder) => this.#runs.ask('list', { ...wanted, folder }));
  }

  unfinished(workflow: Workflow, status?: string): Promise<Row[]> {
    return this.#ask(workflow, (folder) => this.#runs.ask('unfinished', { folder, status }));
  }

  async describe(workflow: Workflow, id: string, how: How): Promise<Whole> {
    const found = await this.#ask(workflow, (folder) =>
      this.#runs.ask('describe', { file: fileOf(folder, workflow, id), ...how }),
    );
    if (!found) throw noSuchInstance(id);
    return found;
  }

  async step(workflow: Workflow, id: string, asked: Asked): Promise<StepFound> {
    await this.read(workflow, id);
    const found = await this.#ask(workflow, (folder) =>
      this.#runs.ask('step', { file: fileOf(folder, workflow, id), ...asked }),
    );
    if (!found) throw noSuchStep(id, asked.name);
    return found;
  }

  async read(workflow: Workflow, id: string): Promise<Outline> {
    const found = await this.#ask(workflow, (folder) =>
      this.#runs.ask('outline', { file: fileOf(folder, workflow, id) }),
    );
    if (!found) throw noSuchInstance(id);
    return found;
  }

  /** To read is not to wait until the group's process has started; where files moved meanwhile, it is to read again. */
  async #ask<T>(workflow: Workflow, read: (folder: string) => Promise<T>): Promise<T> {
    for (;;) {
      const group = this.#group(workflow);
      const answer = await read(workflowFolder(group.folder, workflow.name));
      if (group === this.#group(workflow)) return answer;
    }
  }

  #group(workflow: Workflow): Group {
    const group = this.#groups.of(`workflow:${workflow.name}`);
    if (!group) throw hasNoWorker(workflow);
    return group;
  }

  async create(workflow: Workflow, wanted: Partial<New>): Promise<object> {
    const { made, refused } = await this.createAll(workflow, [wanted]);
    if (refused[0]) throw refused[0];
    return made[0] ?? {};
  }

  /** Return once the instances are on disk, so that whoever asks next finds them. */
  async createAll(workflow: Workflow, wanted: Partial<New>[]): Promise<Made> {
    const instances = wanted.map(({ instance_id, params }) => ({
      id: checkedId(instance_id ?? crypto.randomUUID()),
      params: decoded(params),
    }));
    const { created, errors } = await this.control<Created>(workflow, 'createAll', { instances });
    this.#triggers.remember(workflow.name, created);
    const folder = workflowFolder(this.#group(workflow).folder, workflow.name);
    const files = created.map((id) => fileOf(folder, workflow, id));
    const begun = await this.#runs.ask('begun', { files, milliseconds: BEGIN_MILLISECONDS });
    return {
      made: created.map((id, at) => madeOf(workflow, id, begun[files[at] ?? ''])),
      refused: errors.map(refusal),
    };
  }

  async change(workflow: Workflow, id: string, body: Partial<Change>): Promise<object> {
    const action = body.status ?? body.action ?? '';
    if (!ACTIONS.includes(action)) throw invalidInstance(`status is one of: ${ACTIONS.join(', ')}`);
    const before = await this.read(workflow, id);
    if (isFinal(before.engine) && action !== 'restart')
      throw invalidInstance(`cannot ${action} instance "${id}": it is ${before.status}`);
    const ask = () => this.control(workflow, action, { id, from: body.from, rollback: body.rollback });
    if (action === 'restart') await this.#group(workflow).ending.run(ask);
    else await ask();
    const { status } = await this.read(workflow, id);
    return { status, timestamp: new Date().toISOString() };
  }

  async sendEvent(workflow: Workflow, id: string, type: string, payload: unknown): Promise<void> {
    if (!INSTANCE_ID.test(type)) throw invalidInstance(`"${type}" is not an event type`);
    const before = await this.read(workflow, id);
    if (isFinal(before.engine)) throw invalidInstance(`instance "${id}" is ${before.status}`);
    await this.control(workflow, 'event', { id, type, payload });
  }

  async remove(workflow: Workflow, id: string): Promise<void> {
    await this.read(workflow, id);
    await this.control(workflow, 'delete', { id });
  }

  /** The version that was the newest when the instance began. */
  versionOf(workflow: Workflow, { createdOn }: { createdOn: string }): string {
    const found = workflow.versions.find(({ created_on }) => created_on <= createdOn);
    return (found ?? workflow.versions.at(-1))?.id ?? '';
  }

  triggerOf(workflow: Workflow, id: string): Trigger {
    return this.#triggers.of(workflow.name, id);
  }

  /** Ask the Workflow's group, which is started if need be. */
  async control<T>(workflow: Workflow, operation: string, options: object): Promise<T> {
    const node = `workflow:${workflow.name}`;
    const group = await this.#groups.settled(node);
    if (!group?.canRun(workflow.name)) throw hasNoWorker(workflow);
    try {
      const used = await this.#groups.use(node, async (runtime) => ({
        answer: await runtime.control<T>(node, operation, options),
      }));
      if (!used) throw hasNoWorker(workflow);
      return used.answer;
    } catch (error) {
      throw sorted(error, 'id' in options ? String(options.id) : '');
    }
  }
}

const hasNoWorker = ({ name, script_name }: Workflow): ApiError => workflowHasNoWorker(name, script_name);

function fileOf(folder: string, { name }: Workflow, id: string): string {
  return path.join(folder, `${objectId(workflowKey(name), id)}.sqlite`);
}

function checkedId(id: string): string {
  if (!INSTANCE_ID.test(id) || RESERVED.includes(id))
    throw invalidInstance(`"${id}" is not an id for an instance`);
  return id;
}

function madeOf(workflow: Workflow, id: string, begun: Outline | undefined): object {
  return {
    id,
    status: begun?.status ?? 'queued',
    version_id: workflow.versions[0]?.id ?? '',
    workflow_id: workflow.id,
    trigger_source: 'api',
  };
}

function refusal({ id, code, message }: Created['errors'][number]): ApiError {
  return code === instanceExists(id).code
    ? instanceExists(id)
    : new ApiError(400, code, `${message}: "${id}"`);
}

/** `params` is an object, or the JSON text of one. */
function decoded(params: unknown): unknown {
  if (typeof params !== 'string') return params;
  try {
    return JSON.parse(params);
  } catch {
    throw invalidInstance('params is not JSON');
  }
}

function sorted(error: unknown, id: string): unknown {
  if (error instanceof ApiError || !(error instanceof Error)) return error;
  if (error.message.includes('instance.not_found')) return noSuchInstance(id);
  if (error.message.includes('instance.')) return invalidInstance(error.message);
  return workflowFailed(error.message);
}
