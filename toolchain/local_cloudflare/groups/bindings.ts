// The kinds of bindings in Cloudflare's uploads: their form for Miniflare, the node they link to, and what the API shows.

import {
  emailSender,
  queueProducer,
  type WorkflowOwner,
  workflowBinding,
} from '../control_worker/miniflare_plugins.ts';
import { notSupported } from '../http/errors.ts';
import { hasControlCharacter, isText, shown } from '../http/names.ts';
import { checkSettings } from '../http/requests.ts';
import { WORKFLOW_NAME } from '../state/layout.ts';
import type { Binding, Version } from '../state/records.ts';

export interface BindingContext {
  /** The Worker that the version belongs to. */
  worker: string;
  version: Version;
  workerExists: (name: string) => boolean;
  /** Return the Worker and class of a Workflow; undefined if the Worker does not exist. */
  workflowOwner: (binding: Binding) => WorkflowOwner | undefined;
  hasObjects: (worker: string, className: string) => boolean;
}

interface Kind {
  /** The settings that have an effect, besides the name and the type. */
  settings: string[];
  /** The options for Miniflare; undefined leaves the binding out. */
  toRuntime: (binding: Binding, context: BindingContext) => object | undefined;
  /** The node that must run in the same process. */
  linkedNode?: (binding: Binding) => string | undefined;
  /** Why the settings cannot be used. */
  problem?: (binding: Binding) => string | undefined;
  /** What the API shows, if not the binding itself. */
  serialize?: (binding: Binding) => Binding;
}

const KINDS: Record<string, Kind> = {
  plain_text: {
    settings: ['text'],
    problem: textProblem,
    toRuntime: (b) => ({ type: 'text', value: b.text }),
  },
  secret_text: {
    settings: ['text'],
    problem: textProblem,
    toRuntime: (b) => ({ type: 'text', value: b.text }),
    serialize: ({ name, type }) => ({ name, type }),
  },
  json: { settings: ['json'], toRuntime: (b) => ({ type: 'json', value: b.json }) },
  kv_namespace: {
    settings: ['namespace_id'],
    toRuntime: (b) => ({ type: 'kv', id: b.namespace_id }),
    linkedNode: (b) => `kv:${b.namespace_id}`,
  },
  d1: {
    settings: ['id', 'database_id'],
    toRuntime: (b) => ({ type: 'd1', id: databaseId(b) }),
    linkedNode: (b) => `d1:${databaseId(b)}`,
    serialize: (b) => ({ name: b.name, type: b.type, id: databaseId(b), database_id: databaseId(b) }),
  },
  r2_bucket: {
    settings: ['bucket_name'],
    toRuntime: (b) => ({ type: 'r2', name: b.bucket_name }),
    linkedNode: (b) => `r2:${b.bucket_name}`,
  },
  queue: {
    settings: ['queue_name', 'delivery_delay'],
    toRuntime: (b) => queueProducer(String(b.queue_name), Number(b.delivery_delay ?? 0)),
    linkedNode: (b) => `queue:${b.queue_name}`,
  },
  service: {
    settings: ['service', 'entrypoint'],
    toRuntime: (b, context) =>
      context.workerExists(String(b.service))
        ? { type: 'worker', worker: b.service, ...entrypoint(b) }
        : undefined,
    linkedNode: (b) => `worker:${b.service}`,
  },
  workflow: {
    settings: ['workflow_name', 'class_name', 'script_name'],
    problem: ({ workflow_name: name }) =>
      isText(name) && WORKFLOW_NAME.test(name) ? undefined : `cannot have the Workflow name ${shown(name)}`,
    toRuntime: (b, context) => {
      const owner = context.workflowOwner(b);
      return owner && workflowBinding(String(b.workflow_name), owner);
    },
    linkedNode: (b) => `workflow:${b.workflow_name}`,
  },
  send_email: {
    settings: ['destination_address', 'allowed_destination_addresses', 'allowed_sender_addresses'],
    toRuntime: (b) =>
      emailSender({
        destinationAddress: b.destination_address,
        allowedDestinationAddresses: b.allowed_destination_addresses,
        allowedSenderAddresses: b.allowed_sender_addresses,
      }),
  },
  assets: { settings: [], toRuntime: (_, { version }) => version.assets && { type: 'assets' } },
  durable_object_namespace: {
    settings: ['class_name', 'script_name', 'namespace_id'],
    toRuntime: (b, context) => {
      const worker = String(b.script_name ?? context.worker);
      const exportName = String(b.class_name);
      return context.hasObjects(worker, exportName)
        ? { type: 'durable-object', worker, exportName }
        : undefined;
    },
    linkedNode: (b) => (b.script_name === undefined ? undefined : `worker:${b.script_name}`),
  },
  analytics_engine: {
    settings: ['dataset'],
    toRuntime: (b) => ({ type: 'analytics-engine-dataset', name: b.dataset }),
  },
  version_metadata: {
    settings: [],
    toRuntime: (_, { version }) => ({
      type: 'json',
      value: { id: version.id, tag: version.annotations['workers/tag'] ?? '', timestamp: version.created_on },
    }),
  },
};

/** The text itself may be secret. */
function textProblem({ text }: Binding): string | undefined {
  return typeof text === 'string' ? undefined : 'must have text';
}

/** Throw if this is not a list of bindings with different names. */
export function checkBindings(value: unknown): asserts value is Binding[] {
  if (!Array.isArray(value)) throw notSupported('bindings must be a list');
  const names = new Set<string>();
  for (const binding of value) {
    if (typeof binding !== 'object' || binding === null) throw notSupported('each binding must be an object');
    const { name, type } = binding;
    if (!isText(name) || name === '' || hasControlCharacter(name) || !isText(type))
      throw notSupported(`a binding must have a name and a type, not ${shown(name)} and ${shown(type)}`);
    if (names.has(name)) throw notSupported(`two bindings have the name ${shown(name)}`);
    names.add(name);
  }
}

export function checkSupported(binding: Binding): void {
  if (!Object.hasOwn(KINDS, binding.type))
    throw notSupported(
      `binding ${binding.name} of type ${binding.type} is not supported by the embedded platform`,
    );
  const { name, type, raw: _, ...settings } = binding;
  const problem = KINDS[type]?.problem?.(binding);
  if (problem) throw notSupported(`binding ${name} of type ${type} ${problem}`);
  checkSettings(
    { ...settings, ...withoutDefaults(settings) },
    KINDS[type]?.settings ?? [],
    `binding ${name} of type ${type}`,
  );
}

/** Settings that only state the default. */
function withoutDefaults({ environment, jurisdiction }: Record<string, unknown>): object {
  return {
    ...(environment === 'production' && { environment: undefined }),
    ...(jurisdiction === 'default' && { jurisdiction: undefined }),
  };
}

export function toRuntime(binding: Binding, context: BindingContext): object | undefined {
  return KINDS[binding.type]?.toRuntime(binding, context);
}

export function linkedNode(binding: Binding): string | undefined {
  return KINDS[binding.type]?.linkedNode?.(binding);
}

export function serializeBinding(binding: Binding): Binding {
  return KINDS[binding.type]?.serialize?.(binding) ?? binding;
}

export function databaseId(binding: Binding): string {
  return String(binding.id ?? binding.database_id);
}

function entrypoint(binding: Binding): object {
  return binding.entrypoint === undefined ? {} : { exportName: binding.entrypoint };
}
