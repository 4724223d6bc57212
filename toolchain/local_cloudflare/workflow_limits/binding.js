// Miniflare's binding to a Workflow, which also stores how long an instance is kept, and creates the instances of schedules.

import { milliseconds } from './durations.mjs';
import { withReloads } from './memory.mjs';
import { WorkflowBinding as MiniflaresBinding } from './miniflare-engine.mjs';

const MAX_RETENTION = 30 * 86_400_000;

export class WorkflowBinding extends MiniflaresBinding {
  constructor(ctx, env) {
    super(ctx, { ...env, ENGINE: withReloads(env.ENGINE) });
  }

  async create(options) {
    const retention = readRetention(options?.retention);
    const created = await super.create(options);
    await this.#retain(created.id, retention);
    return created;
  }

  /** Instances that have a retention get their ids here, so that it is known whose is whose. */
  async createBatch(options) {
    const entries = Array.isArray(options) ? options : options?.instances;
    if (!Array.isArray(entries)) return this.#createAlike(options);
    const named = entries.map((entry) => (entry?.retention ? { ...entry, id: entry.id ?? newId() } : entry));
    const retentions = new Map(named.map((entry) => [entry?.id, readRetention(entry?.retention)]));
    const result = await super.createBatch(Array.isArray(options) ? named : { ...options, instances: named });
    const created = Array.isArray(result) ? result : result.created;
    await Promise.all(created.map(({ id }) => this.#retain(id, retentions.get(id))));
    return result;
  }

  async #createAlike(options) {
    const retention = readRetention(options?.retention);
    const result = await super.createBatch(options);
    await Promise.all(result.created.map(({ id }) => this.#retain(id, retention)));
    return result;
  }

  async #retain(id, retention) {
    if (retention) await this.#engine(id).retain(retention);
  }

  #engine(id) {
    return this.env.ENGINE.get(this.env.ENGINE.idFromName(id));
  }

  /** As Miniflare's `create` does it, with a schedule. Return whether the id is new. */
  async createScheduled({ id, schedule }) {
    const engine = this.#engine(id);
    if (await engine.hasInstance()) return false;
    const now = new Date();
    const workflowName = this.env.WORKFLOW_NAME;
    const times = {
      created_on: now.toISOString(),
      modified_on: now.toISOString(),
      started_on: now.toISOString(),
    };
    const instance = { id, ...times, workflow_id: '', version_id: '', status: 0, ended_on: null };
    const event = { timestamp: now, payload: {}, instanceId: id, workflowName, schedule };
    const ended = engine.init(0, {}, {}, instance, event).then((value) => value?.[Symbol.dispose]());
    this.ctx.waitUntil(ended.catch(() => undefined));
    return true;
  }
}

const newId = () => crypto.randomUUID();

function readRetention(retention) {
  if (!retention) return undefined;
  const { successRetention: success, errorRetention: error } = retention;
  return { ...readDuration('success', success), ...readDuration('error', error) };
}

function readDuration(key, duration) {
  if (duration === undefined) return {};
  const time = milliseconds(duration);
  if (!(time >= 1 && time <= MAX_RETENTION))
    throw new Error(
      `(instance.invalid_retention) ${key}Retention must be a duration of up to 30 days, not ${JSON.stringify(duration)}`,
    );
  return { [key]: time };
}
