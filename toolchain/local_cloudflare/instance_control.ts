// Instances: made, read and changed. Each Workflow's group does the work; here is what the group does not know.

import fs from 'node:fs';
import path from 'node:path';
import { isFinal, readOne, type Status, type Stored } from './engine.ts';
import {
  ApiError,
  instanceExists,
  invalidInstance,
  noSuchInstance,
  workflowFailed,
  workflowHasNoWorker,
} from './errors.ts';
import { privateFolder, readText } from './files.ts';
import type { Group } from './group.ts';
import { summary } from './instances.ts';
import { workflowFolder } from './layout.ts';
import type { Workflow } from './model.ts';
import type { Platform } from './platform.ts';

const INSTANCE_ID = /^[a-zA-Z0-9_][a-zA-Z0-9_-]{0,99}$/;
const BATCH = 100;
const BEGIN_MILLISECONDS = 2000;
const POLL_MILLISECONDS = 3;
const ACTIONS = ['pause', 'resume', 'restart', 'terminate'];

interface Wanted {
  instance_id: string;
  params: unknown;
}

interface Change {
  status: string;
  action: string;
  from: object;
  rollback: boolean;
}

type Trigger = 'api' | 'binding';

export class Instances {
  readonly #platform: Platform;
  /** The ids that were created through the API, by Workflow. */
  readonly #created = new Map<string, Set<string>>();
  readonly #folder: string;

  constructor(platform: Platform) {
    this.#platform = platform;
    this.#folder = privateFolder(path.join(platform.settings.state, 'created'));
  }

  async readAll(workflow: Workflow): Promise<Stored[]> {
    return (await this.#group(workflow)).instances(workflow.name);
  }

  async read(workflow: Workflow, id: string): Promise<Stored> {
    const group = await this.#group(workflow);
    const stored = readOne(workflowFolder(group.folder, workflow.name), workflow.name, id);
    if (!stored) throw noSuchInstance(id);
    return stored;
  }

  async #group(workflow: Workflow): Promise<Group> {
    const group = await this.#platform.groups.settled(`workflow:${workflow.name}`);
    if (!group) throw workflowHasNoWorker(workflow.name, workflow.script_name);
    return group;
  }

  /** Return once the instance is on disk, so that whoever asks next finds it. */
  async create(workflow: Workflow, wanted: Partial<Wanted>): Promise<object> {
    const id = wanted.instance_id ?? crypto.randomUUID();
    if (!INSTANCE_ID.test(id)) throw invalidInstance(`"${id}" is not an id for an instance`);
    const params = decoded(wanted.params);
    await this.#control(workflow, 'create', { id, params });
    this.#remember(workflow.name, id);
    const stored = await this.#begun(workflow, id);
    return {
      id,
      status: stored ? summary(stored).status : 'queued',
      version_id: workflow.versions[0]?.id ?? '',
      workflow_id: workflow.id,
      trigger_source: 'api',
    };
  }

  async #begun(workflow: Workflow, id: string): Promise<Stored | undefined> {
    const deadline = Date.now() + BEGIN_MILLISECONDS;
    while (Date.now() < deadline) {
      const found = await this.read(workflow, id).catch(() => undefined);
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
    }
    return undefined;
  }

  async createAll(workflow: Workflow, batch: unknown): Promise<object[]> {
    if (!Array.isArray(batch) || batch.length === 0 || batch.length > BATCH)
      throw invalidInstance(`a batch is a list of 1 to ${BATCH} instances`);
    const made: object[] = [];
    for (const wanted of batch) made.push(await this.create(workflow, wanted));
    return made;
  }

  async change(workflow: Workflow, id: string, body: Partial<Change>): Promise<object> {
    const action = body.status ?? body.action ?? '';
    if (!ACTIONS.includes(action)) throw invalidInstance(`status is one of: ${ACTIONS.join(', ')}`);
    const before = await this.read(workflow, id);
    if (isFinal(before.status) && action !== 'restart')
      throw invalidInstance(`cannot ${action} instance "${id}": it is ${before.status}`);
    await this.#control(workflow, action, { id, from: body.from, rollback: body.rollback });
    const status: Status = summary(await this.read(workflow, id)).status;
    return { status, timestamp: new Date().toISOString() };
  }

  async sendEvent(workflow: Workflow, id: string, type: string, payload: unknown): Promise<void> {
    if (!INSTANCE_ID.test(type)) throw invalidInstance(`"${type}" is not an event type`);
    const before = await this.read(workflow, id);
    if (isFinal(before.status)) throw invalidInstance(`instance "${id}" is ${before.status}`);
    await this.#control(workflow, 'event', { id, type, payload });
  }

  async remove(workflow: Workflow, id: string): Promise<void> {
    await this.read(workflow, id);
    await this.#control(workflow, 'delete', { id });
  }

  async deleteAll(workflow: Workflow, body: { instances?: unknown }): Promise<object> {
    const ids = Array.isArray(body.instances) ? body.instances.map(String) : [];
    if (ids.length === 0 || ids.length > BATCH) throw invalidInstance(`name 1 to ${BATCH} instances`);
    const deleted: object[] = [];
    const errors: object[] = [];
    for (const id of ids)
      await this.remove(workflow, id).then(
        () => deleted.push({ id }),
        (error: unknown) => errors.push({ id, ...told(error) }),
      );
    return { deleted, errors };
  }

  /** The version that was the newest when the instance began. */
  versionOf(workflow: Workflow, { createdOn }: Stored): string {
    const found = workflow.versions.find(({ created_on }) => created_on <= createdOn);
    return (found ?? workflow.versions.at(-1))?.id ?? '';
  }

  triggerOf(workflow: Workflow, id: string): Trigger {
    return this.#known(workflow.name).has(id) ? 'api' : 'binding';
  }

  #known(workflow: string): Set<string> {
    const known = this.#created.get(workflow) ?? new Set(readText(this.#file(workflow))?.split('\n'));
    this.#created.set(workflow, known);
    return known;
  }

  #remember(workflow: string, id: string): void {
    this.#known(workflow).add(id);
    fs.appendFileSync(this.#file(workflow), `${id}\n`, { mode: 0o600 });
  }

  #file(workflow: string): string {
    return path.join(this.#folder, workflow);
  }

  async #control(workflow: Workflow, operation: string, options: object): Promise<unknown> {
    const node = `workflow:${workflow.name}`;
    if (!(await this.#group(workflow)).canRun(workflow.name))
      throw workflowHasNoWorker(workflow.name, workflow.script_name);
    try {
      return await this.#platform.groups.use(node, (runtime) => runtime.control(node, operation, options));
    } catch (error) {
      throw sorted(error, 'id' in options ? String(options.id) : '');
    }
  }
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
  if (error.message.includes('already_exists') || error.message.includes('already exists'))
    return instanceExists(id);
  if (error.message.includes('instance.')) return invalidInstance(error.message);
  return workflowFailed(error.message);
}

function told(error: unknown): object {
  if (error instanceof ApiError) return { code: error.code, message: error.message };
  throw error;
}
