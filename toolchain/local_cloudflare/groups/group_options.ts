// What a group's workerd is given, out of the account's records.

import { createHash } from 'node:crypto';
import type { Account } from '../state/account.ts';
import type { Binding, Module, Version } from '../state/records.ts';
import { connects, toRuntime } from './bindings.ts';
import { queueSettings } from './queues.ts';
import type { WorkerOptions } from './runtime.ts';

/** Cloudflare keeps the message of a NonRetryableError; the local engine does so with this flag alone. */
const KEEPS_MESSAGES = 'workflows_preserve_non_retryable_error_message';

export interface GroupOptions {
  workers: WorkerOptions[];
  resources: Record<string, object>;
  /** Equal for equal options. */
  fingerprint: string;
}

export function groupOptions(account: Account, nodes: string[]): GroupOptions {
  const live = nodes.flatMap((node) => liveOf(account, node));
  const envs = live.map(({ version }) => environment(account, version));
  const resources = Object.fromEntries(
    nodes.flatMap((node) => {
      const binding = resource(account, node);
      return binding ? [[node, binding] as const] : [];
    }),
  );
  const ids = live.map(({ version }) => version.id);
  return {
    workers: live.map(({ name, version }, index) => workerOptions(name, version, envs[index] ?? {})),
    resources,
    fingerprint: createHash('sha256')
      .update(JSON.stringify([nodes, ids, envs, resources]))
      .digest('hex'),
  };
}

function liveOf(account: Account, node: string): { name: string; version: Version }[] {
  const worker = node.startsWith('worker:') && account.workers.get(node.slice('worker:'.length));
  const version = worker && account.live(worker);
  return version ? [{ name: worker.name, version }] : [];
}

function environment(account: Account, version: Version): Record<string, object> {
  const around = {
    version,
    workerExists: (other: string) => isLive(account, other),
    workflow: (binding: Binding) => ownerOf(account, String(binding.workflow_name)),
  };
  const env = version.bindings.flatMap((binding) => {
    const made = toRuntime(binding, around);
    return made ? [[binding.name, made] as const] : [];
  });
  return Object.fromEntries(env);
}

function workerOptions(name: string, version: Version, env: Record<string, object>): WorkerOptions {
  return {
    config: {
      name,
      compatibilityDate: version.compatibility_date,
      compatibilityFlags: [...new Set([...version.compatibility_flags, KEEPS_MESSAGES])],
      manifest: {
        mainModule: version.main_module,
        modules: Object.fromEntries(version.modules.map((module) => [module.name, moduleOptions(module)])),
      },
      env,
    },
  } as WorkerOptions;
}

function moduleOptions({ type, contents }: Module): object {
  const isBytes = type === 'data' || type === 'wasm';
  return { type, contents: isBytes ? Buffer.from(contents, 'base64') : contents };
}

function isLive(account: Account, worker: string): boolean {
  return Boolean(account.workers.get(worker)?.live);
}

/**
 * A Workflow belongs to the Worker that it was last given to; until then to one whose code has it. The class is the
 * one that the owner's live code names: so a deploy changes nothing when it gives its Workflow to the Worker that it
 * just uploaded, and code that has no such class any more still starts.
 */
function ownerOf(account: Account, name: string): { worker: string; exportName: string } | undefined {
  const record = account.workflows.get(name);
  const owners = record ? [record.script_name] : [...account.workers.keys()].sort();
  for (const worker of owners) {
    const exportName = ownClass(account, name, worker);
    if (exportName !== undefined) return { worker, exportName };
  }
  return undefined;
}

function ownClass(account: Account, workflow: string, owner: string): string | undefined {
  const worker = account.workers.get(owner);
  const isOwn = (binding: Binding) =>
    connects(binding) === `workflow:${workflow}` && (binding.script_name ?? owner) === owner;
  const binding = worker && account.live(worker)?.bindings.find(isOwn);
  return binding && String(binding.class_name);
}

/** The control Worker's binding of a resource, so that the API reaches what no Worker binds. */
function resource(account: Account, node: string): object | undefined {
  const at = node.indexOf(':');
  const name = node.slice(at + 1);
  switch (node.slice(0, at)) {
    case 'kv':
      return { type: 'kv', id: name };
    case 'd1':
      return { type: 'd1', id: name };
    case 'r2':
      return { type: 'r2', name };
    case 'queue':
      return queueSettings(account, name);
    case 'workflow': {
      const owner = ownerOf(account, name);
      return owner && { type: 'workflow', name, ...owner };
    }
    default:
      return undefined;
  }
}
