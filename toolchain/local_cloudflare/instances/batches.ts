// Many instances at once.

import { isFinal } from '../engine/instance_file.ts';
import { ApiError, invalidInstance } from '../http/errors.ts';
import type { Workflow } from '../state/records.ts';
import type { Instances, Made, New } from './instances.ts';

const BATCH = 100;
/** So many end at a time, so that others get their turn. */
const AT_ONCE = 20;

interface Deleted {
  deleted: { id: string }[];
  errors: { id: string; code: number; message: string }[];
}

export class Batches {
  readonly #instances: Instances;
  /** The Workflows whose instances are being terminated. */
  readonly #terminating = new Set<string>();

  constructor(instances: Instances) {
    this.#instances = instances;
  }

  async create(workflow: Workflow, batch: unknown): Promise<Made> {
    const wanted = checked(batch);
    if (!wanted.every(isObject)) throw invalidInstance('a batch is a list of objects');
    return this.#instances.createAll(workflow, wanted);
  }

  async delete(workflow: Workflow, batch: unknown): Promise<Deleted> {
    const result: Deleted = { deleted: [], errors: [] };
    await atOnce(checked(batch).map(String), (id) =>
      this.#instances.remove(workflow, id).then(
        () => result.deleted.push({ id }),
        (error: unknown) => result.errors.push({ id, ...told(error) }),
      ),
    );
    return result;
  }

  /** Terminate these; those that ended already are not counted. */
  async terminate(workflow: Workflow, batch: unknown): Promise<object> {
    if (this.isTerminating(workflow)) return { status: 'already_running', instancesTerminated: 0 };
    const ids = checked(batch).map(String);
    return { status: 'ok', instancesTerminated: await this.#terminate(workflow, ids) };
  }

  /** Begin to terminate all that are unfinished, or all of this status. */
  terminateAll(workflow: Workflow, status: string | undefined): object {
    if (status !== undefined && isFinal(status as never))
      throw invalidInstance(`instances that are ${status} have ended`);
    if (this.isTerminating(workflow)) return { status: 'already_running' };
    void this.#job(workflow, async () => {
      const rows = await this.#instances.unfinished(workflow, status);
      const ids = rows.map(({ id }) => id);
      await this.#terminate(workflow, ids);
    });
    return { status: 'ok' };
  }

  isTerminating({ name }: Workflow): boolean {
    return this.#terminating.has(name);
  }

  async #job({ name }: Workflow, work: () => Promise<void>): Promise<void> {
    this.#terminating.add(name);
    try {
      await work();
    } finally {
      this.#terminating.delete(name);
    }
  }

  async #terminate(workflow: Workflow, ids: string[]): Promise<number> {
    let count = 0;
    await atOnce(ids, async (id) => {
      try {
        await this.#instances.change(workflow, id, { status: 'terminate' });
        count += 1;
      } catch (error) {
        told(error);
      }
    });
    return count;
  }
}

const isObject = (value: unknown): value is Partial<New> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function checked(batch: unknown): unknown[] {
  if (!Array.isArray(batch) || batch.length === 0 || batch.length > BATCH)
    throw invalidInstance(`a batch is a list of 1 to ${BATCH} instances`);
  return batch;
}

async function atOnce(ids: string[], work: (id: string) => Promise<unknown>): Promise<void> {
  const waiting = [...ids];
  const next = async (): Promise<void> => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) await work(id);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
}

function told(error: unknown): { code: number; message: string } {
  if (error instanceof ApiError) return { code: error.code, message: error.message };
  throw error;
}
