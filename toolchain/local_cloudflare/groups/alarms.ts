// Alarms of Durable Objects: a group with alarms is not stopped when idle, and is started with the platform, because only
// its process fires them.

import type { DatabaseSync } from 'node:sqlite';
import { alarmsFile } from '../state/layout.ts';
import { namesOfKind } from '../state/nodes.ts';
import { readDatabase } from '../system/sqlite.ts';

export const hasAlarms = (group: string, nodes: string[]): boolean =>
  namesOfKind('do', nodes).some((id) => (readDatabase(alarmsFile(group, id), countAlarms) ?? 0) > 0);

function countAlarms(database: DatabaseSync): number {
  const hasTable = database.prepare("SELECT 1 FROM sqlite_master WHERE name = '_cf_ALARM'").get();
  return hasTable ? Number(database.prepare('SELECT count(*) AS n FROM _cf_ALARM').get()?.n) : 0;
}
