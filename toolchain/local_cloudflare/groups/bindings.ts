// A binding, as Cloudflare's upload names it: what it is to workerd, what it connects, what may be shown of it.

import { producer } from '../control_worker/queue_producer_plugin.ts';
import { notSupported } from '../http/errors.ts';
import type { Binding, Version } from '../state/records.ts';

/** The Worker and class behind a Workflow; undefined where the Worker is gone. */
export type ResolveWorkflow = (binding: Binding) => { worker: string; exportName: string } | undefined;

export interface Around {
  version: Version;
  workerExists: (name: string) => boolean;
  workflow: ResolveWorkflow;
}

interface Kind {
  /** Miniflare's form; undefined leaves the binding out. */
  toRuntime: (binding: Binding, around: Around) => object | undefined;
  /** The resource that all who bind it share a process for. */
  connects?: (binding: Binding) => string;
  /** What the API shows, where that is not the binding itself. */
  shown?: (binding: Binding) => Binding;
}

const KINDS: Record<string, Kind> = {
  plain_text: { toRuntime: (b) => ({ type: 'text', value: b.text }) },
  secret_text: {
    toRuntime: (b) => ({ type: 'text', value: b.text }),
    shown: ({ name, type }) => ({ name, type }),
  },
  json: { toRuntime: (b) => ({ type: 'json', value: b.json }) },
  kv_namespace: {
    toRuntime: (b) => ({ type: 'kv', id: b.namespace_id }),
    connects: (b) => `kv:${b.namespace_id}`,
  },
  d1: {
    toRuntime: (b) => ({ type: 'd1', id: databaseId(b) }),
    connects: (b) => `d1:${databaseId(b)}`,
    shown: (b) => ({ name: b.name, type: b.type, id: databaseId(b), database_id: databaseId(b) }),
  },
  r2_bucket: {
    toRuntime: (b) => ({ type: 'r2', name: b.bucket_name }),
    connects: (b) => `r2:${b.bucket_name}`,
  },
  queue: {
    toRuntime: (b) => producer(String(b.queue_name)),
    connects: (b) => `queue:${b.queue_name}`,
  },
  service: {
    toRuntime: (b, around) =>
      around.workerExists(String(b.service))
        ? { type: 'worker', worker: b.service, ...entrypoint(b) }
        : undefined,
    connects: (b) => `worker:${b.service}`,
  },
  workflow: {
    toRuntime: (b, around) => {
      const owner = around.workflow(b);
      return owner && { type: 'workflow', name: b.workflow_name, ...owner };
    },
    connects: (b) => `workflow:${b.workflow_name}`,
  },
  analytics_engine: { toRuntime: (b) => ({ type: 'analytics-engine-dataset', name: b.dataset }) },
  version_metadata: {
    toRuntime: (_, { version }) => ({
      type: 'json',
      value: { id: version.id, tag: version.annotations['workers/tag'] ?? '', timestamp: version.created_on },
    }),
  },
};

export function checkSupported(binding: Binding): void {
  if (!Object.hasOwn(KINDS, binding.type))
    throw notSupported(
      `binding ${binding.name} of type ${binding.type} does not exist on the embedded platform`,
    );
}

export function toRuntime(binding: Binding, around: Around): object | undefined {
  return KINDS[binding.type]?.toRuntime(binding, around);
}

export function connects(binding: Binding): string | undefined {
  return KINDS[binding.type]?.connects?.(binding);
}

export function shown(binding: Binding): Binding {
  return KINDS[binding.type]?.shown?.(binding) ?? binding;
}

export function databaseId(binding: Binding): string {
  return String(binding.id ?? binding.database_id);
}

function entrypoint(binding: Binding): object {
  return binding.entrypoint === undefined ? {} : { exportName: binding.entrypoint };
}
