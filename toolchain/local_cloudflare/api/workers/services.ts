// Services: a Worker and its only environment, the Workers that use it, and deleting it.

import { type Context, Hono } from 'hono';
import { serializeBinding } from '../../groups/bindings.ts';
import { consumesQueue, noSuchService, workerInUse } from '../../http/errors.ts';
import { ok, okPage } from '../../http/responses.ts';
import type { Binding } from '../../state/records.ts';
import { deletedNamespaces } from '../../workers/durable_objects.ts';
import { type Platform, requestedWorker } from '../context/platform.ts';

const ENVIRONMENT = '/workers/services/:name/environments/:environment';

export function services(platform: Platform): Hono {
  return new Hono()
    .get('/workers/services/:name', (c) => ok(c, service(platform, c.req.param('name'))))
    .get(ENVIRONMENT, (c) => ok(c, environment(platform, c.req.param('name'))))
    .get(`${ENVIRONMENT}/bindings`, (c) => {
      const worker = requestedWorker(platform, c);
      return ok(c, (platform.account.live(worker)?.bindings ?? []).map(serializeBinding));
    })
    .get(`${ENVIRONMENT}/subdomain`, (c) => ok(c, requestedWorker(platform, c).subdomain))
    .delete('/workers/services/:name', (c) => remove(platform, c, c.req.param('name')))
    .get('/workers/scripts/:name/references', (c) => {
      const incoming = usersOf(platform, c.req.param('name')).map((name) => ({
        service: name,
        name,
        environment: 'production',
      }));
      return ok(c, {
        services: { incoming, outgoing: [], pages_function: false },
        durable_objects: objectUsers(platform, c.req.param('name')),
        dispatch_outbounds: [],
      });
    })
    .get('/workers/tails/by-consumer/:name', (c) => ok(c, []))
    .get('/workers/durable_objects/namespaces', (c) => okPage(c, namespaces(platform)))
    .delete('/workers/scripts/:name', (c) => remove(platform, c, c.req.param('name')));
}

function service(platform: Platform, name: string): object {
  const production = environment(platform, name);
  const { created_on, modified_on } = production;
  return { id: name, created_on, modified_on, default_environment: production, environments: [production] };
}

function namespaces({ account }: Platform): object[] {
  return [...account.workers.values()].flatMap(({ name, namespaces = [] }) =>
    namespaces.map(({ id, class_name, uses_sqlite }) => ({
      id,
      name: `${name}_${class_name}`,
      script: name,
      class: class_name,
      use_sqlite: uses_sqlite,
    })),
  );
}

interface Environment {
  created_on: string;
  modified_on: string;
  environment: string;
  script: object;
}

function environment({ account }: Platform, name: string): Environment {
  const worker = account.workers.get(name);
  if (!worker) throw noSuchService(name);
  const { tag, created_on, modified_on, last_deployed_from, settings, migration_tag } = worker;
  const newest = account.newest(worker);
  const { compatibility_date, compatibility_flags, placement, limits } = newest ?? {};
  const { tags = [], observability, tail_consumers, logpush } = settings;
  const script = {
    id: name,
    tag,
    tags,
    created_on,
    modified_on,
    last_deployed_from,
    compatibility_date,
    compatibility_flags,
    observability,
    tail_consumers,
    logpush,
    limits,
    migration_tag,
    placement_mode: placement?.mode,
    handlers: newest?.handlers ?? [],
  };
  return { environment: 'production', created_on, modified_on, script };
}

/** The Workers that use Durable Objects of a Worker. */
function objectUsers({ account }: Platform, name: string): object[] {
  const uses = (binding: Binding) =>
    binding.type === 'durable_object_namespace' && binding.script_name === name;
  return account.workersWithBinding(uses).map((service) => ({
    namespace_name: name,
    service,
    environment: 'production',
  }));
}

function usersOf({ account }: Platform, name: string): string[] {
  const users = account.workersWithBinding(
    (binding) =>
      (binding.type === 'service' && binding.service === name) ||
      (['workflow', 'durable_object_namespace'].includes(binding.type) && binding.script_name === name),
  );
  return users.filter((user) => user !== name);
}

/** As on Cloudflare, the Worker's Workflows and their instances remain, and queues keep their messages. */
async function remove(platform: Platform, c: Context, name: string): Promise<Response> {
  const { account, groups } = platform;
  if (!account.workers.has(name)) throw noSuchService(name);
  const users = usersOf(platform, name);
  const consumed = account.queues.all().filter(({ consumer }) => consumer?.script_name === name);
  if (c.req.query('force') !== 'true') {
    if (users.length > 0) throw workerInUse(name, users);
    if (consumed[0]) throw consumesQueue(name, consumed[0].name);
  }
  const objects = account.workers.get(name)?.namespaces;
  const change = () => {
    account.deleteWorker(name);
    for (const { consumer: _, ...queue } of consumed) account.queues.replace(queue);
  };
  await groups.apply({ change });
  for (const id of deletedNamespaces(objects, [])) groups.erase(`do:${id}`);
  for (const { id } of platform.tails.of(name)) platform.tails.delete(id);
  return ok(c, null);
}
