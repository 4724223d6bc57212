// What a list shows of an instance, read without the outputs, which may be a megabyte each.

import type { DatabaseSync } from 'node:sqlite';
import { statusOf } from './details.ts';
import {
  END_EVENTS,
  EVENT,
  type InstanceSummary,
  isFinal,
  readHead,
  readInstance,
  timeOf,
} from './instance_file.ts';

const FIRST_ROWS = 4;

export function readSummary(file: string): InstanceSummary | undefined {
  return readInstance(file, (database) => {
    const head = readHead(database);
    if (head === undefined) return undefined;
    const firstRows = database
      .prepare(`SELECT event, timestamp FROM states ORDER BY id LIMIT ${FIRST_ROWS}`)
      .all();
    const start = firstRows.find(({ event }) => event === EVENT.start);
    return {
      id: head.id,
      engine: head.status,
      status: isFinal(head.status) ? head.status : statusOf(head.status, events(database)),
      createdOn: head.createdOn,
      start: start ? timeOf(start.timestamp) : null,
      end: isFinal(head.status) ? endTime(database) : null,
      modified: lastEventTime(database) ?? head.createdOn,
      ...(head.schedule && { schedule: head.schedule }),
      ...(head.retention && { retention: head.retention }),
      ...(head.wakesAt !== undefined && { wakesAt: head.wakesAt }),
    };
  });
}

function events(database: DatabaseSync): { event: number; group: string | null }[] {
  const rows = database.prepare('SELECT event, groupKey FROM states ORDER BY id').all();
  return rows.map(({ event, groupKey }) => ({ event: Number(event), group: groupKey as string | null }));
}

function endTime(database: DatabaseSync): string | null {
  const found = database
    .prepare(`SELECT timestamp FROM states WHERE event IN (${END_EVENTS.join()}) ORDER BY id DESC LIMIT 1`)
    .get();
  return found ? timeOf(found.timestamp) : null;
}

function lastEventTime(database: DatabaseSync): string | undefined {
  const found = database.prepare('SELECT timestamp FROM states ORDER BY id DESC LIMIT 1').get();
  return found && timeOf(found.timestamp);
}
