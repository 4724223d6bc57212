// What a list tells of an instance, read without its outputs, which may be a megabyte each.

import type { DatabaseSync } from 'node:sqlite';
import { statusOf } from './details.ts';
import { ENDS, EVENT, isFinal, type Outline, readHead, timeOf, within } from './instance_file.ts';

const FIRST_ROWS = 4;

export function readOutline(file: string): Outline | undefined {
  return within(file, (database) => {
    const head = readHead(database);
    if (head === undefined) return undefined;
    const first = database
      .prepare(`SELECT event, timestamp FROM states ORDER BY id LIMIT ${FIRST_ROWS}`)
      .all();
    const start = first.find(({ event }) => event === EVENT.start);
    return {
      id: head.id,
      engine: head.status,
      status: isFinal(head.status) ? head.status : statusOf(head.status, events(database)),
      createdOn: head.createdOn,
      start: start ? timeOf(start.timestamp) : null,
      end: isFinal(head.status) ? endOf(database) : null,
      modified: last(database) ?? head.createdOn,
    };
  });
}

function events(database: DatabaseSync): { event: number; group: string | null }[] {
  const rows = database.prepare('SELECT event, groupKey FROM states ORDER BY id').all();
  return rows.map(({ event, groupKey }) => ({ event: Number(event), group: groupKey as string | null }));
}

function endOf(database: DatabaseSync): string | null {
  const found = database
    .prepare(`SELECT timestamp FROM states WHERE event IN (${ENDS.join()}) ORDER BY id DESC LIMIT 1`)
    .get();
  return found ? timeOf(found.timestamp) : null;
}

function last(database: DatabaseSync): string | undefined {
  const found = database.prepare('SELECT timestamp FROM states ORDER BY id DESC LIMIT 1').get();
  return found && timeOf(found.timestamp);
}
