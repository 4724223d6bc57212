// Workers in the newer form of Cloudflare's API, with what refers to them.

import { Hono } from 'hono';
import { ok } from '../../http/responses.ts';
import type { Binding, Worker } from '../../state/records.ts';
import { type Platform, requestedWorker } from '../context/platform.ts';
import { serializeSubdomain } from './subdomains.ts';

export function workers(platform: Platform): Hono {
  return new Hono().get('/workers/workers/:name', (c) =>
    ok(c, serialize(platform, requestedWorker(platform, c))),
  );
}

function serialize(platform: Platform, worker: Worker): object {
  const { tag, name, created_on, modified_on, deployments, settings } = worker;
  const { tags = [], logpush = false, observability = { enabled: false }, tail_consumers } = settings;
  return {
    id: tag,
    name,
    created_on,
    updated_on: modified_on,
    deployed_on: deployments[0]?.created_on ?? null,
    subdomain: serializeSubdomain(platform, worker),
    tags,
    logpush,
    observability,
    tail_consumers: tail_consumers ?? [],
    references: references(platform, worker),
  };
}

function references({ account }: Platform, { name, namespaces = [] }: Worker): object {
  const domains = account.zones.domains.all().filter(({ service }) => service === name);
  const queues = account.queues.all().filter(({ consumer }) => consumer?.script_name === name);
  const users = (matches: (binding: Binding) => boolean): Worker[] =>
    account
      .workersWithBinding(matches)
      .flatMap((user) => account.workers.get(user) ?? [])
      .filter((user) => user.name !== name);
  return {
    dispatch_namespace_outbounds: [],
    domains: domains.map(({ id, cert_id, hostname, zone_id }) => ({
      id,
      certificate_id: cert_id,
      hostname,
      zone_id,
      zone_name: account.zones.all.get(zone_id)?.name ?? '',
    })),
    durable_objects: namespaces.flatMap(({ id, class_name }) =>
      users(
        (binding) =>
          binding.type === 'durable_object_namespace' &&
          binding.script_name === name &&
          binding.class_name === class_name,
      ).map((user) => ({
        namespace_id: id,
        namespace_name: `${name}_${class_name}`,
        worker_id: user.tag,
        worker_name: user.name,
      })),
    ),
    queues: queues.map(({ id, name: queue_name, consumer }) => ({
      queue_id: id,
      queue_name,
      queue_consumer_id: consumer?.consumer_id ?? '',
    })),
    workers: users((binding) => binding.type === 'service' && binding.service === name).map((user) => ({
      id: user.tag,
      name: user.name,
    })),
  };
}
