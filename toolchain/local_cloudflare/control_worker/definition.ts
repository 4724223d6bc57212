// The control Worker runs in each group and does for the platform what only a binding can do: this file
// defines it for Miniflare, and the .js files are its code.

import fs from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import { QUEUES_KEY } from '../state/layout.ts';
import { namesOfKind, workerOf } from '../state/nodes.ts';
import { CONTROL, engineBinding, engineNode } from './miniflare_plugins.ts';

const COMPATIBILITY_DATE = '2026-11-01';
const COMPATIBILITY_FLAGS = [
  'experimental',
  'service_binding_extra_handlers',
  'streaming_tail_worker',
  'd1_binding_jsrpc', // for rows as lists
];
const MAIN = 'worker.js';
const MODULES = [MAIN, 'mail.js', 'outbound.js', 'permits.js', 'queue.js', 'r2.js', 'tail.js'].map((name) => {
  const contents = fs.readFileSync(path.join(import.meta.dirname, name), 'utf8');
  return [name, { type: 'esm', contents }] as const;
});

export type TailHandler = (request: IncomingMessage, response: ServerResponse) => void;

export interface ControlWorkerOptions {
  workers: { config: { name: string } }[];
  /** Bindings of the group's resources, by node. */
  resources: Record<string, object>;
  secret: string;
  /** Receives what the Workers log, while someone is listening. */
  onTail: TailHandler;
  /** Receives the emails that the Workers send. */
  onMail: TailHandler;
  /** Receives the requests of Workflow instances for a permit to run. */
  onPermit: TailHandler;
  /** Answers the requests that Workers make; if missing, they are sent. */
  onOutbound?: TailHandler;
}

export function controlWorker(options: ControlWorkerOptions): object {
  const { workers, resources, secret, onTail, onMail, onPermit, onOutbound } = options;
  const services = workers.map(({ config: { name } }) => [
    `worker:${name}`,
    { type: 'worker', worker: name },
  ]);
  const queues = {
    exports: {
      Queue: {
        type: 'durable-object',
        storage: 'sqlite',
        unsafeUniqueKey: QUEUES_KEY,
        unsafePreventEviction: true, // eviction would cancel its timers
      },
    },
    env: { QUEUES: { type: 'durable-object', worker: CONTROL, exportName: 'Queue' } },
  };
  const hasQueues = namesOfKind('queue', Object.keys(resources)).length > 0;
  const { exports, env } = hasQueues ? queues : { exports: {}, env: {} };
  return {
    config: {
      name: CONTROL,
      compatibilityDate: COMPATIBILITY_DATE,
      compatibilityFlags: COMPATIBILITY_FLAGS,
      manifest: { mainModule: MAIN, modules: Object.fromEntries(MODULES) },
      exports,
      env: {
        ...resources,
        ...Object.fromEntries(services),
        ...engines(resources),
        ...env,
        TAIL: { type: 'node-handler', handler: onTail },
        MAIL: { type: 'node-handler', handler: onMail },
        PERMITS: { type: 'node-handler', handler: onPermit },
        ...(onOutbound && { OUTBOUND: { type: 'node-handler', handler: onOutbound } }),
        SECRET: { type: 'text', value: secret },
      },
    },
  };
}

function engines(resources: Record<string, object>): Record<string, object> {
  const workflows = namesOfKind('workflow', Object.keys(resources));
  return Object.fromEntries(workflows.map((name) => [engineNode(name), engineBinding(name)]));
}

/** Send what this Worker logs to the control Worker. */
export function withTail<T extends { config: { name: string } }>(worker: T): T {
  const consumer = { worker: CONTROL, entrypoint: 'Tail', props: { worker: workerOf(worker.config.name) } };
  return { ...worker, config: { ...worker.config, experimental: { streamingTailConsumers: [consumer] } } };
}

/** Let the control Worker make the requests of this Worker. */
export function withOutbound<T extends { config: { name: string } }>(worker: T): T {
  const props = { worker: workerOf(worker.config.name) };
  return {
    ...worker,
    dev: { outboundService: { type: 'worker', worker: CONTROL, exportName: 'Outbound', props } },
  };
}
