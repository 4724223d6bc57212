// Operations on many instances.

import { isFinal } from '../engine/instance_file.ts';
import { ApiError, invalidInstance, workflowFailed } from '../http/errors.ts';
import type { Workflow } from '../state/records.ts';
import { runParallel } from '../system/parallel.ts';
import type { CreateResult, Instances, NewInstance } from './instances.ts';

const MAX_BATCH = 100;
/** Limited, so that other requests are served in the meantime. */
const PARALLEL = 20;
const PROCESS_FAILED = workflowFailed('').code;
/** Deploys can replace the process several times in a row. */
const MAX_ATTEMPTS = 5;

interface DeleteResult {
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

  async create(workflow: Workflow, batch: unknown): Promise<CreateResult> {
    const instances = checkBatch(batch);
    if (!instances.every(isObject)) throw invalidInstance('a batch must be a list of objects');
    return this.#instances.createAll(workflow, instances);
  }

  async delete(workflow: Workflow, batch: unknown): Promise<DeleteResult> {
    const result: DeleteResult = { deleted: [], errors: [] };
    await runParallel(checkBatch(batch).map(String), PARALLEL, (id) =>
      this.#instances.remove(workflow, id).then(
        () => result.deleted.push({ id }),
        (error: unknown) => result.errors.push({ id, ...apiErrorOf(error) }),
      ),
    );
    return result;
  }

  /** Terminate the given instances; those that have already ended are not counted. */
  async terminate(workflow: Workflow, batch: unknown): Promise<object> {
    if (this.isTerminating(workflow)) return { status: 'already_running', instancesTerminated: 0 };
    const ids = checkBatch(batch).map(String);
    return { status: 'ok', instancesTerminated: await this.#terminate(workflow, ids) };
  }

  /** Start terminating all unfinished instances, or all with the given status. */
  terminateAll(workflow: Workflow, status: string | undefined): object {
    if (status !== undefined && isFinal(status as never))
      throw invalidInstance(`instances with the status "${status}" have already ended`);
    if (this.isTerminating(workflow)) return { status: 'already_running' };
    void this.#runTermination(workflow, async () => {
      const rows = await this.#instances.unfinished(workflow, status);
      const ids = rows.map(({ id }) => id);
      await this.#terminate(workflow, ids);
    });
    return { status: 'ok' };
  }

  isTerminating({ name }: Workflow): boolean {
    return this.#terminating.has(name);
  }

  async #runTermination({ name }: Workflow, work: () => Promise<void>): Promise<void> {
    this.#terminating.add(name);
    try {
      await work();
    } finally {
      this.#terminating.delete(name);
    }
  }

  async #terminate(workflow: Workflow, ids: string[]): Promise<number> {
    let count = 0;
    await runParallel(ids, PARALLEL, async (id) => {
      if (await this.#terminateOne(workflow, id)) count += 1;
    });
    return count;
  }

  /** Return whether it was terminated. If its process ends in the meantime, try again in the next one. */
  async #terminateOne(workflow: Workflow, id: string): Promise<boolean> {
    for (let attempt = 1; ; attempt += 1)
      try {
        await this.#instances.change(workflow, id, { status: 'terminate' });
        return true;
      } catch (error) {
        const { code } = apiErrorOf(error);
        if (code !== PROCESS_FAILED || attempt === MAX_ATTEMPTS) return false;
      }
  }
}

const isObject = (value: unknown): value is Partial<NewInstance> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function checkBatch(batch: unknown): unknown[] {
  if (!Array.isArray(batch) || batch.length === 0 || batch.length > MAX_BATCH)
    throw invalidInstance(`a batch must be a list of 1 to ${MAX_BATCH} instances`);
  return batch;
}

/** Other errors are thrown again. */
function apiErrorOf(error: unknown): { code: number; message: string } {
  if (error instanceof ApiError) return { code: error.code, message: error.message };
  throw error;
}
