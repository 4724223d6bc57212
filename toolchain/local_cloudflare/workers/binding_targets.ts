// Checks that the resources and Workers that bindings refer to exist.

import { databaseId } from '../groups/bindings.ts';
import { missingBinding, needsSubdomain } from '../http/errors.ts';
import type { Account } from '../state/account.ts';
import type { Binding, ObjectNamespace } from '../state/records.ts';

interface Owner {
  account: Account;
  worker: string;
  /** The Worker's own Durable Object classes. */
  namespaces: ObjectNamespace[] | undefined;
}

type FindTarget = (binding: Binding, owner: Owner) => [exists: boolean, code: number, message: string];

function classNamespaces({ account, worker, namespaces }: Owner, script: string): ObjectNamespace[] {
  return (script === worker ? namespaces : account.workers.get(script)?.namespaces) ?? [];
}

const TARGETS: Record<string, FindTarget> = {
  kv_namespace: (b, { account }) => {
    const id = String(b.namespace_id);
    return [account.namespaces.get(id) !== undefined, 10041, `KV namespace '${id}' not found`];
  },
  d1: (b, { account }) => {
    const id = databaseId(b);
    return [
      account.databases.get(id) !== undefined,
      10181,
      `binding ${b.name} of type d1 references database '${id}' which was not found`,
    ];
  },
  r2_bucket: (b, { account }) => {
    const name = String(b.bucket_name);
    return [account.buckets.get(name) !== undefined, 10085, `R2 bucket '${name}' not found`];
  },
  queue: (b, { account }) => {
    const name = String(b.queue_name);
    return [
      account.queues.get(name) !== undefined,
      11000,
      `binding ${b.name} of type queue references queue '${name}' which was not found`,
    ];
  },
  service: (b, { account, worker }) => {
    const target = String(b.service);
    return [
      target === worker || account.workers.has(target),
      10143,
      `Could not resolve service binding '${b.name}'. Target script '${target}' not found`,
    ];
  },
  durable_object_namespace: (b, owner) => {
    const script = String(b.script_name ?? owner.worker);
    const name = String(b.class_name);
    return [
      classNamespaces(owner, script).some(({ class_name }) => class_name === name),
      10061,
      `Cannot create binding for class '${name}' because it is not currently configured to implement durable ` +
        `objects. Did you forget to apply a 'new_sqlite_classes' migration to script '${script}'?`,
    ];
  },
  workflow: (b, { account, worker }) => {
    const script = String(b.script_name ?? worker);
    return [
      script === worker || account.workers.has(script),
      10143,
      `Could not resolve workflow binding '${b.name}'. Script '${script}' not found`,
    ];
  },
};

/** Check this when code is uploaded, and when an older version is deployed again. */
export function checkTargetsExist(bindings: Binding[], owner: Owner): void {
  for (const binding of bindings) {
    const [exists, code, message] = TARGETS[binding.type]?.(binding, owner) ?? [true, 0, ''];
    if (!exists) throw missingBinding(code, message);
  }
  if (!owner.account.subdomain && bindings.some(({ type }) => type === 'workflow')) throw needsSubdomain();
}
