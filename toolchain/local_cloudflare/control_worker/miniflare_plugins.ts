// Miniflare plugins for two kinds of bindings that Miniflare does not have:
// - queue producers: workerd's own queue binding, connected to the control Worker's queue
// - the Durable Objects of a Workflow's instances, which the Workflow's own binding hides

/** The name of the control Worker. */
export const CONTROL = ':control';

type Options = Record<string, string>;

interface Worker {
  config: { env?: Record<string, { type: string; dev?: { options?: Options } }> };
}

/** The options of a Worker's queue binding; the delay in seconds is for messages without one of their own. */
export const queueProducer = (queue: string, delay: number): object =>
  binding('local-queue', { queue, delay: String(delay) });

/** The name and options of the control Worker's binding of a Workflow's instances. */
export const engineNode = (workflow: string): string => `engine:${workflow}`;
export const engineBinding = (workflow: string): object => binding('local-engine', { workflow });

const typeOf = (plugin: string): string => `unsafe:${plugin}`;

function binding(plugin: string, options: Options): object {
  return { type: typeOf(plugin), dev: { plugin: { package: import.meta.filename, name: plugin }, options } };
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
};

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
