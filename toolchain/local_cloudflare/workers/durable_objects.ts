// Migrations of Durable Object classes: which classes of a Worker have objects, and which storage belongs to each.

import { migrationFailed, unsupported } from '../http/errors.ts';
import { shown } from '../http/names.ts';
import { newHexId } from '../state/new_records.ts';
import type { ObjectNamespace, Worker } from '../state/records.ts';

export interface MigrationStep {
  new_classes?: string[];
  new_sqlite_classes?: string[];
  renamed_classes?: { from: string; to: string }[];
  deleted_classes?: string[];
  transferred_classes?: unknown[];
}

export interface Migrations extends MigrationStep {
  old_tag?: string;
  new_tag?: string;
  steps?: MigrationStep[];
}

export type MigratedWorker = Pick<Worker, 'namespaces' | 'migration_tag'>;

/** The Worker's classes after these migrations; nothing is changed. */
export function migrate(worker: Worker | undefined, migrations: Migrations | undefined): MigratedWorker {
  const { namespaces = [], migration_tag } = worker ?? {};
  if (!migrations) return { namespaces, migration_tag };
  const { old_tag, new_tag, steps, ...single } = migrations;
  if ((old_tag ?? '') !== (migration_tag ?? '') && (old_tag !== undefined || migration_tag !== undefined))
    throw migrationFailed(
      10079,
      `migration tag precondition failed; current tag is '${migration_tag ?? ''}', expected '${old_tag ?? ''}'`,
    );
  return {
    namespaces: (steps ?? [single]).reduce(applyStep, namespaces),
    migration_tag: new_tag ?? migration_tag,
  };
}

function applyStep(before: ObjectNamespace[], step: MigrationStep): ObjectNamespace[] {
  if ((step.transferred_classes ?? []).length > 0)
    throw unsupported(
      'The embedded platform does not support migrations that transfer classes between Workers',
    );
  checkLists(step);
  let namespaces = before;
  for (const name of step.deleted_classes ?? []) {
    find(namespaces, name, 'delete');
    namespaces = namespaces.filter(({ class_name }) => class_name !== name);
  }
  for (const { from, to } of step.renamed_classes ?? []) {
    const renamed = find(namespaces, from, 'rename');
    checkFree(namespaces, to);
    namespaces = namespaces.map((other) => (other === renamed ? { ...other, class_name: to } : other));
  }
  for (const name of step.new_classes ?? []) namespaces = [...namespaces, create(namespaces, name, false)];
  for (const name of step.new_sqlite_classes ?? [])
    namespaces = [...namespaces, create(namespaces, name, true)];
  return namespaces;
}

function checkLists(step: MigrationStep): void {
  for (const name of ['new_classes', 'new_sqlite_classes', 'deleted_classes', 'renamed_classes'] as const)
    if (!Array.isArray(step[name] ?? []))
      throw migrationFailed(10021, `${name} of a migration must be a list, not ${shown(step[name])}`);
}

function find(namespaces: ObjectNamespace[], name: string, action: string): ObjectNamespace {
  const found = namespaces.find(({ class_name }) => class_name === name);
  if (!found)
    throw migrationFailed(
      10021,
      `Cannot apply ${action}-class migration to class '${name}', because it has no Durable Objects`,
    );
  return found;
}

function create(namespaces: ObjectNamespace[], class_name: string, uses_sqlite: boolean): ObjectNamespace {
  checkFree(namespaces, class_name);
  return { id: newHexId(), class_name, uses_sqlite };
}

function checkFree(namespaces: ObjectNamespace[], name: string): void {
  if (namespaces.some(({ class_name }) => class_name === name))
    throw migrationFailed(
      10074,
      `Cannot apply new-class migration to class '${name}' that is already depended on by existing Durable Objects`,
    );
}

/** The namespaces of the first list that are not in the second. */
export function deletedNamespaces(
  before: ObjectNamespace[] | undefined,
  after: ObjectNamespace[] | undefined,
): string[] {
  const kept = new Set((after ?? []).map(({ id }) => id));
  return (before ?? []).map(({ id }) => id).filter((id) => !kept.has(id));
}
