// Miniflare's plugin for a queue's producers: workerd's own queue binding, with the control Worker's queue behind it.

import { CONTROL } from './definition.ts';

export const QUEUE_BINDING = 'unsafe:local-queue';

/** The Worker's binding of a queue, as Miniflare is told of it. */
export function producer(queue: string): object {
  const plugin = { package: import.meta.filename, name: 'local-queue' };
  return { type: QUEUE_BINDING, dev: { plugin, options: { queue } } };
}

interface Worker {
  config: { env?: Record<string, { type: string; dev?: { options?: { queue?: string } } }> };
}

export const plugins = {
  'local-queue': {
    bindingTypeDescription: 'Queue producer',
    getBindings: ({ config: { env = {} } }: Worker) =>
      Object.entries(env)
        .filter(([, { type }]) => type === QUEUE_BINDING)
        .map(([name, { dev }]) => ({ name, queue: inlet(dev?.options?.queue) })),
    getNodeBindings: () => ({}),
    getServices: async () => [],
  },
};

function inlet(queue: string | undefined): object {
  return {
    name: `core:user:${CONTROL}`,
    entrypoint: 'QueueInlet',
    props: { json: JSON.stringify({ queue }) },
  };
}
