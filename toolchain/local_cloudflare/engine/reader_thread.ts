// Reads the engine's files in a separate thread, so that the platform stays responsive no matter how much there is to read.

import path from 'node:path';
import { parentPort } from 'node:worker_threads';
import { outcome, steps, timing } from './details.ts';
import { type InstanceSummary, isFinal, readAll, readInstance, readStream } from './instance_file.ts';
import { InstanceIndex } from './instance_index.ts';
import { type ListQuery, pageOf } from './list.ts';
import { expired, type RetentionQuery } from './retention.ts';
import { type StepOutput, type StepQuery, stepOutput } from './step_output.ts';
import { readSummary } from './summary.ts';

const POLL_MILLISECONDS = 4;

interface StepWithBytes extends StepOutput {
  bytes?: Uint8Array;
}

const indexes = new Map<string, InstanceIndex>();

function indexOf(folder: string): InstanceIndex {
  const index = indexes.get(folder) ?? new InstanceIndex(folder);
  indexes.set(folder, index);
  return index;
}

const rowsIn = (folder: string) => indexOf(folder).rows();

export const OPERATIONS = {
  counts: async ({ folder }: { folder: string }) => {
    const rows = await rowsIn(folder);
    const counts: Record<string, number> = {};
    for (const { status } of rows) counts[status] = (counts[status] ?? 0) + 1;
    return { counts, newest: rows[0]?.createdOn };
  },

  list: async ({ folder, ...query }: ListQuery & { folder: string }) => pageOf(await rowsIn(folder), query),

  unfinished: async ({ folder, status }: { folder: string; status?: string }) =>
    (await rowsIn(folder)).filter((row) => !isFinal(row.engine) && (!status || row.status === status)),

  ended: ({ folder, since }: { folder: string; since: string }) => indexOf(folder).ended(since),

  /** The ids of instances that have been kept long enough. */
  expired: async ({ folder, ...query }: RetentionQuery & { folder: string }) =>
    expired(await rowsIn(folder), query).map(({ id }) => id),

  summary: async ({ file }: { file: string }) => readSummary(file),

  awaitNew: async ({ files, milliseconds }: { files: string[]; milliseconds: number }) =>
    awaitNew(files, milliseconds),

  /** The steps are JSON text, because there may be ten thousand. */
  describe: async ({
    file,
    isDescending,
    isSimple,
  }: {
    file: string;
    isDescending: boolean;
    isSimple: boolean;
  }) => {
    const stored = readInstance(file, readAll);
    if (!stored) return undefined;
    const all = steps(stored);
    if (isDescending) all.reverse();
    return {
      id: stored.id,
      createdOn: stored.createdOn,
      params: stored.params ?? null,
      ...(stored.schedule && { schedule: stored.schedule }),
      ...timing(stored),
      ...outcome(stored),
      stepCount: all.length,
      steps: isSimple ? '[]' : JSON.stringify(all),
    };
  },

  step: async ({ file, ...query }: StepQuery & { file: string }) =>
    readInstance(file, (database): StepWithBytes | undefined => {
      const stored = readAll(database);
      const output = stored && stepOutput(stored, query);
      return output?.stream ? { ...output, bytes: readStream(database, output.stream) } : output;
    }),

  /** Close the indexes in this folder, which is about to be moved or deleted. */
  close: async ({ folder }: { folder: string }) => {
    for (const [indexed, index] of indexes) {
      if (!indexed.startsWith(folder + path.sep)) continue;
      index.save();
      index.close();
      indexes.delete(indexed);
    }
  },

  save: async () => {
    for (const index of indexes.values()) index.save();
  },
};

/** Wait until new instances are on disk, and return their summaries by file; one that takes too long is left out. */
async function awaitNew(files: string[], milliseconds: number): Promise<Record<string, InstanceSummary>> {
  const deadline = Date.now() + milliseconds;
  const summaries: Record<string, InstanceSummary> = {};
  for (const file of files)
    for (let summary = readSummary(file); ; summary = readSummary(file)) {
      if (summary) summaries[file] = summary;
      if (summary || Date.now() > deadline) break;
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
    }
  return summaries;
}

export type Operations = typeof OPERATIONS;

interface Request {
  number: number;
  operation: keyof Operations;
  options: never;
}

parentPort?.on('message', async ({ number, operation, options }: Request) => {
  try {
    parentPort?.postMessage({ number, result: await OPERATIONS[operation](options) });
  } catch (error) {
    parentPort?.postMessage({ number, error: error instanceof Error ? error.stack : String(error) });
  }
});
