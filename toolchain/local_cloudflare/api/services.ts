import { type Context, Hono } from 'hono';
import { ok } from '../envelope.ts';
import { consumesQueue, inUse, noSuchService } from '../errors.ts';
import type { Platform } from '../platform.ts';

/** A service is a Worker with its environments, of which there is one. */
export function services(platform: Platform): Hono {
  return new Hono()
    .get('/workers/services/:name', (c) => ok(c, service(platform, c.req.param('name'))))
    .delete('/workers/services/:name', (c) => remove(platform, c, c.req.param('name')))
    .get('/workers/scripts/:name/references', (c) => {
      const incoming = users(platform, c.req.param('name')).map((name) => ({
        service: name,
        name,
        environment: 'production',
      }));
      return ok(c, {
        services: { incoming, outgoing: [], pages_function: false },
        durable_objects: [],
        dispatch_outbounds: [],
      });
    })
    .get('/workers/tails/by-consumer/:name', (c) => ok(c, []))
    .delete('/workers/scripts/:name', (c) => remove(platform, c, c.req.param('name')));
}

function service({ account }: Platform, name: string): object {
  const worker = account.workers.get(name);
  if (!worker) throw noSuchService(name);
  const { tag, created_on, modified_on, last_deployed_from, settings } = worker;
  const { compatibility_date, compatibility_flags } = account.newest(worker) ?? {};
  const script = {
    id: name,
    tag,
    tags: settings.tags ?? [],
    created_on,
    modified_on,
    last_deployed_from,
    compatibility_date,
    compatibility_flags,
    handlers: ['fetch'],
  };
  const environment = { environment: 'production', created_on, modified_on, script };
  return { id: name, created_on, modified_on, default_environment: environment, environments: [environment] };
}

function users({ account }: Platform, name: string): string[] {
  const uses = account.usersOf(
    (binding) =>
      (binding.type === 'service' && binding.service === name) ||
      (binding.type === 'workflow' && binding.script_name === name),
  );
  return uses.filter((user) => user !== name);
}

/** The Worker goes; its Workflows and their instances stay, and queues keep their messages, as at Cloudflare. */
async function remove(platform: Platform, c: Context, name: string): Promise<Response> {
  const { account, groups } = platform;
  if (!account.workers.has(name)) throw noSuchService(name);
  const using = users(platform, name);
  const consumed = account.queues.all().filter(({ consumer }) => consumer?.script_name === name);
  if (c.req.query('force') !== 'true') {
    if (using.length > 0) throw inUse(name, using);
    if (consumed[0]) throw consumesQueue(name, consumed[0].name);
  }
  const change = () => {
    account.dropWorker(name);
    for (const { consumer: _, ...queue } of consumed) account.queues.replace(queue);
  };
  await groups.apply({ change });
  return ok(c, null);
}
