import { type Context, Hono } from 'hono';
import { shown } from '../../groups/bindings.ts';
import { consumesQueue, inUse, noSuchService } from '../../http/errors.ts';
import { ok } from '../../http/responses.ts';
import { type Platform, workerOf } from '../context/platform.ts';

const ENVIRONMENT = '/workers/services/:name/environments/:environment';

/** A service is a Worker with its environments, of which there is one. */
export function services(platform: Platform): Hono {
  return new Hono()
    .get('/workers/services/:name', (c) => ok(c, service(platform, c.req.param('name'))))
    .get(`${ENVIRONMENT}`, (c) => ok(c, environment(platform, c.req.param('name'))))
    .get(`${ENVIRONMENT}/bindings`, (c) => {
      const worker = workerOf(platform, c.req.param('name'));
      return ok(c, (platform.account.live(worker)?.bindings ?? []).map(shown));
    })
    .get(`${ENVIRONMENT}/subdomain`, (c) => ok(c, workerOf(platform, c.req.param('name')).subdomain))
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

function service(platform: Platform, name: string): object {
  const only = environment(platform, name);
  const { created_on, modified_on } = only;
  return { id: name, created_on, modified_on, default_environment: only, environments: [only] };
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
  const { tag, created_on, modified_on, last_deployed_from, settings } = worker;
  const { compatibility_date, compatibility_flags, placement, limits } = account.newest(worker) ?? {};
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
    placement_mode: placement?.mode,
    handlers: ['fetch'],
  };
  return { environment: 'production', created_on, modified_on, script };
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
