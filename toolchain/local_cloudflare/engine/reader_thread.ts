// Reads the engine's files in a thread of its own: however much there is to read, the platform goes on answering.

import path from 'node:path';
import { parentPort } from 'node:worker_threads';
import { outcome, steps, summary } from './details.ts';
import { isFinal, type Outline, readStream, readWhole, within } from './instance_file.ts';
import { RunIndex } from './instance_index.ts';
import { pageOf, type Wanted } from './list.ts';
import { type Asked, type StepOutput, stepOutput } from './step_output.ts';
import { readOutline } from './summary.ts';

const POLL_MILLISECONDS = 4;

interface StepFound extends StepOutput {
  bytes?: Uint8Array;
}

const indexes = new Map<string, RunIndex>();

function indexOf(folder: string): RunIndex {
  const index = indexes.get(folder) ?? new RunIndex(folder);
  indexes.set(folder, index);
  return index;
}

/** Where there was no instance, the first one finds the folder made. */
const rowsOf = (folder: string) => indexOf(folder).rows();

export const OPERATIONS = {
  counts: async ({ folder }: { folder: string }) => {
    const rows = await rowsOf(folder);
    const counts: Record<string, number> = {};
    for (const { status } of rows) counts[status] = (counts[status] ?? 0) + 1;
    return { counts, newest: rows[0]?.createdOn };
  },

  list: async ({ folder, ...wanted }: Wanted & { folder: string }) => pageOf(await rowsOf(folder), wanted),

  unfinished: async ({ folder, status }: { folder: string; status?: string }) =>
    (await rowsOf(folder)).filter((row) => !isFinal(row.engine) && (!status || row.status === status)),

  ended: ({ folder, since }: { folder: string; since: string }) => indexOf(folder).ended(since),

  outline: async ({ file }: { file: string }) => readOutline(file),

  begun: async ({ files, milliseconds }: { files: string[]; milliseconds: number }) =>
    begun(files, milliseconds),

  /** The steps as text: there may be ten thousand. */
  describe: async ({
    file,
    isDescending,
    isSimple,
  }: {
    file: string;
    isDescending: boolean;
    isSimple: boolean;
  }) => {
    const stored = within(file, readWhole);
    if (!stored) return undefined;
    const told = steps(stored);
    if (isDescending) told.reverse();
    return {
      id: stored.id,
      createdOn: stored.createdOn,
      params: stored.params ?? null,
      ...summary(stored),
      ...outcome(stored),
      stepCount: told.length,
      steps: isSimple ? '[]' : JSON.stringify(told),
    };
  },

  step: async ({ file, ...asked }: Asked & { file: string }) =>
    within(file, (database): StepFound | undefined => {
      const stored = readWhole(database);
      const found = stored && stepOutput(stored, asked);
      return found?.stream ? { ...found, bytes: readStream(database, found.stream) } : found;
    }),

  /** Let go of what is below this folder: it is moved or removed. */
  forget: async ({ folder }: { folder: string }) => {
    for (const [known, index] of indexes) {
      if (!known.startsWith(folder + path.sep)) continue;
      index.save();
      index.close();
      indexes.delete(known);
    }
  },

  save: async () => {
    for (const index of indexes.values()) index.save();
  },
};

/** The outlines of new instances, one after the other as they come on disk; a late one is missing. */
async function begun(files: string[], milliseconds: number): Promise<Record<string, Outline>> {
  const deadline = Date.now() + milliseconds;
  const found: Record<string, Outline> = {};
  for (const file of files)
    for (let outline = readOutline(file); ; outline = readOutline(file)) {
      if (outline) found[file] = outline;
      if (outline || Date.now() > deadline) break;
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
    }
  return found;
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
