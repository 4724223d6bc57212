// The control Worker, which runs in each group beside its Workers and does for the platform what only a binding can do.

import fs from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import { QUEUES_KEY } from '../state/layout.ts';
import { engineBinding, engineNode } from './workflow_engine_plugin.ts';

export const CONTROL = ':control';

const COMPATIBILITY_DATE = '2026-11-01';
const MAIN = 'worker.js';
const MODULES = [MAIN, 'queue.js', 'tail.js'].map((name) => {
  const contents = fs.readFileSync(path.join(import.meta.dirname, name), 'utf8');
  return [name, { type: 'esm', contents }] as const;
});

export type TailHandler = (request: IncomingMessage, response: ServerResponse) => void;

export interface Controlled {
  workers: { config: { name: string } }[];
  /** The bindings of the group's resources, by node. */
  resources: Record<string, object>;
  secret: string;
  /** Hears what the Workers print, while somebody listens. */
  onTail: TailHandler;
}

export function controlWorker({ workers, resources, secret, onTail }: Controlled): object {
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
        unsafePreventEviction: true, // or its timers end with it
      },
    },
    env: { QUEUES: { type: 'durable-object', worker: CONTROL, exportName: 'Queue' } },
  };
  const hasQueues = Object.keys(resources).some((node) => node.startsWith('queue:'));
  const { exports, env } = hasQueues ? queues : { exports: {}, env: {} };
  return {
    config: {
      name: CONTROL,
      compatibilityDate: COMPATIBILITY_DATE,
      compatibilityFlags: ['experimental', 'service_binding_extra_handlers', 'streaming_tail_worker'],
      manifest: { mainModule: MAIN, modules: Object.fromEntries(MODULES) },
      exports,
      env: {
        ...resources,
        ...Object.fromEntries(services),
        ...engines(resources),
        ...env,
        TAIL: { type: 'node-handler', handler: onTail },
        SECRET: { type: 'text', value: secret },
      },
    },
  };
}

function engines(resources: Record<string, object>): Record<string, object> {
  const workflows = Object.keys(resources)
    .filter((node) => node.startsWith('workflow:'))
    .map((node) => node.slice('workflow:'.length));
  return Object.fromEntries(workflows.map((name) => [engineNode(name), engineBinding(name)]));
}

/** Lets the control Worker hear what this Worker prints. */
export function tailed<T extends { config: { name: string } }>(worker: T): T {
  const consumer = { worker: CONTROL, entrypoint: 'Tail', props: { worker: worker.config.name } };
  return { ...worker, config: { ...worker.config, experimental: { streamingTailConsumers: [consumer] } } };
}
