// Miniflare's plugin for the objects behind a Workflow's instances, which no binding of a Workflow reaches.

const BINDING = 'unsafe:local-engine';

/** The control Worker's binding of the instances of a Workflow. */
export const engineNode = (workflow: string): string => `engine:${workflow}`;

export function engineBinding(workflow: string): object {
  const plugin = { package: import.meta.filename, name: 'local-engine' };
  return { type: BINDING, dev: { plugin, options: { workflow } } };
}

interface Worker {
  config: { env?: Record<string, { type: string; dev?: { options?: { workflow?: string } } }> };
}

export const plugins = {
  'local-engine': {
    bindingTypeDescription: 'Instances of a Workflow',
    getBindings: ({ config: { env = {} } }: Worker) =>
      Object.entries(env)
        .filter(([, { type }]) => type === BINDING)
        .map(([name, { dev }]) => ({
          name,
          durableObjectNamespace: {
            className: 'Engine',
            serviceName: `workflows:${dev?.options?.workflow}`,
          },
        })),
    getNodeBindings: () => ({}),
    getServices: async () => [],
  },
};
