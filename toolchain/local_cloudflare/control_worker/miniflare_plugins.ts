// Miniflare plugins for bindings that Miniflare lacks, or implements differently:
// - queue producers: workerd's own queue binding, connected to the control Worker's queue
// - Workflows: Miniflare's binding and engine, but an instance needs a permit of the platform to run
// - the Durable Objects of a Workflow's instances, which the Workflow's own binding hides
// - email senders: Miniflare's own code, which checks and reads the emails, but stores them in the control Worker

import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { instanceIdleMilliseconds } from '../settings.ts';
import { workflowKey } from '../state/layout.ts';
import { workerOf } from '../state/nodes.ts';
import { privateFolder } from '../system/files.ts';

/** The name of the control Worker. */
export const CONTROL = ':control';

type Options = Record<string, string>;

interface Worker {
  config: { env?: Record<string, { type: string; dev?: { options?: Options } }> };
}

/** The options of a Worker's queue binding; the delay in seconds is for messages without their own delay. */
export const queueProducer = (queue: string, delay: number): object =>
  binding('local-queue', { queue, delay: String(delay) });

/** The options of a Worker's binding to a Workflow, with the Worker and the class that define it. */
export const workflowBinding = (workflow: string, { worker, exportName, steps }: WorkflowOwner): object =>
  binding('local-workflow', {
    workflow,
    worker,
    exportName,
    ...(steps !== undefined && { steps: String(steps) }),
  });

export interface WorkflowOwner {
  worker: string;
  exportName: string;
  /** The maximum number of steps of an instance, if it is not Cloudflare's default. */
  steps?: number | undefined;
}

/** The name and options of the control Worker's binding of a Workflow's instances. */
export const engineNode = (workflow: string): string => `engine:${workflow}`;
export const engineBinding = (workflow: string): object => binding('local-engine', { workflow });

/** The options of a send_email binding: the addresses that it allows. */
export const emailSender = (allowed: Record<string, unknown>): object =>
  binding('local-email', { allowed: JSON.stringify(allowed) });

const typeOf = (plugin: string): string => `unsafe:${plugin}`;

function binding(plugin: string, options: Options): object {
  return { type: typeOf(plugin), dev: { plugin: { package: import.meta.filename, name: plugin }, options } };
}

interface NamedWorker extends Worker {
  config: Worker['config'] & { name: string; compatibilityFlags?: string[] };
}

const MINIFLARE = path.dirname(createRequire(import.meta.url).resolve('miniflare'));
const SEND_EMAIL = path.join(MINIFLARE, 'workers/email/send_email.worker.js');
const ENGINE_MODULES = {
  'engine.mjs': 'workflow_limits/engine.js',
  'binding.mjs': 'workflow_limits/binding.js',
  'event_engine.mjs': 'workflow_limits/event_engine.js',
  'memory.mjs': 'workflow_limits/memory.js',
  'durations.mjs': 'workflow_limits/durations.js',
  'test_step.mjs': 'test_runs/test_step.js',
  'virtual_clock.mjs': 'test_runs/virtual_clock.js',
};
const MINIFLARES_ENGINE = path.join(MINIFLARE, 'workers/workflows/binding.worker.js');

const readPlatformFile = (file: string): string =>
  fs.readFileSync(path.join(import.meta.dirname, '..', file), 'utf8');

const emailService = (worker: string, name: string): string => `local-email:${worker}:${name}`;

/** A Worker for each email binding; its names and those of its bindings are Miniflare's. */
function emailPlugin(): object {
  const type = 'local-email';
  const service = { name: `core:user:${CONTROL}`, entrypoint: 'Mail' };
  const base = plugin(type, 'Send Email', () => ({}));
  const named = ({ config }: NamedWorker) =>
    Object.entries(config.env ?? {}).filter((entry) => entry[1].type === typeOf(type));
  return {
    ...base,
    getBindings: (worker: NamedWorker) =>
      named(worker).map(([name]) => ({
        name,
        service: { name: emailService(worker.config.name, name), entrypoint: 'SendEmailBinding' },
      })),
    getServices: async ({ options }: { options: NamedWorker }) =>
      named(options).map(([name, { dev }]) => ({
        name: emailService(options.config.name, name),
        worker: {
          compatibilityDate: '2025-03-17',
          modules: [{ name: 'send_email.mjs', esModule: fs.readFileSync(SEND_EMAIL, 'utf8') }],
          bindings: [
            ...jsonBindings(JSON.parse(dev?.options?.allowed ?? '{}')),
            ...jsonBindings({ SEND_EMAIL_OWNER_WORKER: workerOf(options.config.name) }),
            { name: 'MINIFLARE_LOOPBACK', service },
            { name: 'MINIFLARE_EMAIL_STORE', service },
          ],
        },
      })),
  };
}

const workflowService = (workflow: string): string => `workflows:${workflow}`;
const WORKFLOW_STORAGE = 'workflows:storage';

interface ServicesOf {
  options: NamedWorker;
  sharedOptions: { resourcePersistencePath: string };
}

/** Uses the same names and files as Miniflare's own plugin for Workflows. */
function workflowPlugin(): object {
  const type = 'local-workflow';
  const base = plugin(type, 'Workflow', ({ workflow }) => ({
    wrapped: {
      moduleName: 'workflows:local-wrapped-binding',
      innerBindings: [
        {
          name: 'binding',
          service: { name: workflowService(String(workflow)), entrypoint: 'WorkflowBinding' },
        },
      ],
    },
  }));
  return {
    ...base,
    getServices: async ({ options: { config }, sharedOptions }: ServicesOf) => {
      const bindings = Object.entries(config.env ?? {}).filter(
        ([, binding]) => binding.type === typeOf(type),
      );
      if (bindings.length === 0) return [];
      const folder = privateFolder(path.join(sharedOptions.resourcePersistencePath, 'workflows'));
      const storage = { name: WORKFLOW_STORAGE, disk: { path: folder, writable: true } };
      const flags = config.compatibilityFlags ?? [];
      return [storage, ...bindings.map(([name, { dev }]) => engineService(name, dev?.options ?? {}, flags))];
    },
  };
}

function engineService(binding: string, options: Options, compatibilityFlags: string[]): object {
  const { workflow = '', worker, exportName, steps } = options;
  return {
    name: workflowService(workflow),
    worker: {
      compatibilityDate: '2024-10-22',
      compatibilityFlags: [...new Set(['experimental', 'nodejs_als', ...compatibilityFlags])],
      modules: [
        ...Object.entries(ENGINE_MODULES).map(([name, file]) => ({ name, esModule: readPlatformFile(file) })),
        { name: 'miniflare-engine.mjs', esModule: fs.readFileSync(MINIFLARES_ENGINE, 'utf8') },
      ],
      durableObjectNamespaces: [
        { className: 'Engine', enableSql: true, uniqueKey: workflowKey(workflow), preventEviction: true },
      ],
      durableObjectStorage: { localDisk: WORKFLOW_STORAGE },
      bindings: [
        { name: 'ENGINE', durableObjectNamespace: { className: 'Engine' } },
        { name: 'USER_WORKFLOW', service: { name: `core:user:${worker}`, entrypoint: exportName } },
        { name: 'WORKFLOW_STORAGE', service: { name: WORKFLOW_STORAGE } },
        { name: 'PERMITS', service: { name: `core:user:${CONTROL}`, entrypoint: 'Permits' } },
        ...jsonBindings({
          BINDING_NAME: binding,
          WORKFLOW_NAME: workflow,
          STEP_LIMIT: steps && Number(steps),
          IDLE_MILLISECONDS: instanceIdleMilliseconds(process.env),
        }),
      ],
    },
  };
}

const jsonBindings = (values: Record<string, unknown>): object[] =>
  Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ({ name, json: JSON.stringify(value) }));

function plugin(
  name: string,
  bindingTypeDescription: string,
  toWorkerd: (options: Options) => object,
): object {
  return {
    bindingTypeDescription,
    getBindings: ({ config: { env = {} } }: Worker) =>
      Object.entries(env)
        .filter(([, { type }]) => type === typeOf(name))
        .map(([binding, { dev }]) => ({ name: binding, ...toWorkerd(dev?.options ?? {}) })),
    getNodeBindings: () => ({}),
    getServices: async () => [],
  };
}

/** Miniflare imports this module and uses the plugin that a binding names. */
export const plugins = {
  'local-queue': plugin('local-queue', 'Queue producer', ({ queue, delay }) => ({
    queue: {
      name: `core:user:${CONTROL}`,
      entrypoint: 'QueueProducer',
      props: { json: JSON.stringify({ queue, delay: Number(delay) || undefined }) },
    },
  })),
  'local-engine': plugin('local-engine', 'Instances of a Workflow', ({ workflow }) => ({
    durableObjectNamespace: { className: 'Engine', serviceName: `workflows:${workflow}` },
  })),
  'local-workflow': workflowPlugin(),
  'local-email': emailPlugin(),
};
