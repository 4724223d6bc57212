// The Miniflare options of a group's Workers and resources, from the account's records.

import { createHash } from 'node:crypto';
import { type WorkflowOwner, workflowBinding } from '../control_worker/miniflare_plugins.ts';
import type { Account } from '../state/account.ts';
import { namesOfKind, splitNode, workerOf } from '../state/nodes.ts';
import type { Assets, Binding, Module, Version } from '../state/records.ts';
import { limitedModules } from '../workflow_limits/limited_modules.ts';
import { linkedNode, toRuntime } from './bindings.ts';
import { queueBinding } from './queues.ts';
import type { WorkerOptions } from './runtime.ts';

/** Cloudflare keeps the message of a NonRetryableError; the local engine needs this flag for that. */
const PRESERVE_ERROR_MESSAGE = 'workflows_preserve_non_retryable_error_message';

/** Cloudflare's default on the paid plan. */
const CPU_MILLISECONDS = 30_000;

export interface GroupOptions {
  workers: WorkerOptions[];
  resources: Record<string, object>;
  /** How much CPU time code may use without a pause: the largest limit of the Workers, which share a process. */
  cpuMilliseconds: number;
  /** The same for the same options. */
  fingerprint: string;
}

export function groupOptions(account: Account, nodes: string[]): GroupOptions {
  const running = namesOfKind('worker', nodes).flatMap((name) => runningVersions(account, name));
  const envs = running.map(({ name, version }) => environment(account, workerOf(name), version));
  const objects = running.map(({ name }) => objectExports(account, name));
  const resources = Object.fromEntries(
    nodes.flatMap((node) => {
      const binding = resourceBinding(account, node);
      return binding ? [[node, binding] as const] : [];
    }),
  );
  const ids = running.map(({ name, version }) => [name, version.id]);
  return {
    workers: running.map(({ name, version }, index) =>
      workerOptions(
        name,
        version,
        envs[index] ?? {},
        objects[index] ?? {},
        account.assets.folderOf(version.id),
      ),
    ),
    resources,
    cpuMilliseconds: Math.max(...running.map(({ version }) => cpuLimit(version)), 0) || CPU_MILLISECONDS,
    fingerprint: createHash('sha256')
      .update(JSON.stringify([nodes, ids, envs, objects, resources]))
      .digest('hex'),
  };
}

function cpuLimit({ limits }: Version): number {
  const limit = Number(limits?.cpu_ms);
  return limit > 0 ? limit : CPU_MILLISECONDS;
}

function runningVersions(account: Account, name: string): { name: string; version: Version }[] {
  const worker = account.workers.get(name);
  return worker ? account.running(worker) : [];
}

/** The Durable Object classes of a Worker. Its other versions use those of the live one. */
function objectExports(account: Account, name: string): Record<string, object> {
  const namespaces = account.workers.get(name)?.namespaces ?? [];
  return Object.fromEntries(
    namespaces.map(({ id, class_name, uses_sqlite }) => [
      class_name,
      { type: 'durable-object', storage: uses_sqlite ? 'sqlite' : 'legacy-kv', unsafeUniqueKey: id },
    ]),
  );
}

function environment(account: Account, worker: string, version: Version): Record<string, object> {
  const context = {
    worker,
    version,
    workerExists: (other: string) => isLive(account, other),
    workflowOwner: (binding: Binding) => ownerOf(account, String(binding.workflow_name)),
    hasObjects: (other: string, className: string) =>
      (account.workers.get(other)?.namespaces ?? []).some(({ class_name }) => class_name === className),
  };
  const env = version.bindings.flatMap((binding) => {
    const options = toRuntime(binding, context);
    return options ? [[binding.name, options] as const] : [];
  });
  return Object.fromEntries(env);
}

function workerOptions(
  name: string,
  version: Version,
  env: Record<string, object>,
  exports: Record<string, object>,
  assetsFolder: string,
): WorkerOptions {
  const { main_module, modules } = limitedModules(workerOf(name), version);
  return {
    config: {
      name,
      compatibilityDate: version.compatibility_date,
      compatibilityFlags: [...new Set([...version.compatibility_flags, PRESERVE_ERROR_MESSAGE])],
      manifest: {
        mainModule: main_module,
        modules: Object.fromEntries(modules.map((module) => [module.name, moduleOptions(module)])),
      },
      env,
      exports,
      ...(version.assets && { assets: assetOptions(assetsFolder, version.assets) }),
    },
  } as WorkerOptions;
}

function assetOptions(directory: string, { config, hasWorker }: Assets): object {
  const { html_handling, not_found_handling, base_path, run_worker_first } = config;
  return {
    directory,
    hasUserWorker: hasWorker,
    ...(html_handling !== undefined && { htmlHandling: html_handling }),
    ...(not_found_handling !== undefined && { notFoundHandling: not_found_handling }),
    ...(base_path !== undefined && { basePath: base_path }),
    ...(run_worker_first !== undefined && { runWorkerFirst: run_worker_first }),
  };
}

function moduleOptions({ type, contents }: Module): object {
  const isBytes = type === 'data' || type === 'wasm';
  return { type, contents: isBytes ? Buffer.from(contents, 'base64') : contents };
}

function isLive(account: Account, worker: string): boolean {
  return Boolean(account.workers.get(worker)?.live);
}

/**
 * A Workflow belongs to the Worker that it was last assigned to, or else to the first whose live code defines it. The class
 * is the one that the owner's live code names: then assigning a Workflow after an upload does not restart the group, and
 * code that no longer has the class still starts.
 */
function ownerOf(account: Account, name: string): WorkflowOwner | undefined {
  const record = account.workflows.get(name);
  const owners = record ? [record.script_name] : [...account.workers.keys()].sort();
  const steps = record?.limits?.steps;
  for (const worker of owners) {
    const exportName = definedClass(account, name, worker);
    if (exportName !== undefined) return { worker, exportName, steps };
  }
  return undefined;
}

function definedClass(account: Account, workflow: string, owner: string): string | undefined {
  const worker = account.workers.get(owner);
  const isOwn = (binding: Binding) =>
    linkedNode(binding) === `workflow:${workflow}` && (binding.script_name ?? owner) === owner;
  const binding = worker && account.live(worker)?.bindings.find(isOwn);
  return binding && String(binding.class_name);
}

/** The control Worker's binding of a resource: the API can then use it even if no Worker binds it. */
function resourceBinding(account: Account, node: string): object | undefined {
  const [kind, name] = splitNode(node);
  switch (kind) {
    case 'kv':
      return { type: 'kv', id: name };
    case 'd1':
      return { type: 'd1', id: name };
    case 'r2':
      return { type: 'r2', name };
    case 'queue':
      return queueBinding(account, name);
    case 'workflow': {
      const owner = ownerOf(account, name);
      return owner && workflowBinding(name, owner);
    }
    default:
      return undefined;
  }
}
