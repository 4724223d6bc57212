// The resources and Workers that bindings refer to must exist.

import { databaseId } from '../groups/bindings.ts';
import { missingBinding, needsSubdomain } from '../http/errors.ts';
import type { Account } from '../state/account.ts';
import type { Binding } from '../state/records.ts';

interface Within {
  account: Account;
  worker: string;
}

type Exists = (binding: Binding, within: Within) => [found: boolean, code: number, what: string];

const EXISTS: Record<string, Exists> = {
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
  workflow: (b, { account, worker }) => {
    const script = String(b.script_name ?? worker);
    return [
      script === worker || account.workers.has(script),
      10143,
      `Could not resolve workflow binding '${b.name}'. Script '${script}' not found`,
    ];
  },
};

/** What is bound must be there, when code is uploaded and when an older version goes live again. */
export function checkExist(bindings: Binding[], within: Within): void {
  for (const binding of bindings) {
    const [found, code, what] = EXISTS[binding.type]?.(binding, within) ?? [true, 0, ''];
    if (!found) throw missingBinding(code, what);
  }
  if (!within.account.subdomain && bindings.some(({ type }) => type === 'workflow')) throw needsSubdomain();
}
