// The entry point of the control Worker. A request is forwarded to a Worker, is for the contents of an R2 object, or is an
// operation on a resource.

import { Mail } from './mail.js';
import { Outbound } from './outbound.js';
import { Permits } from './permits.js';
import { checkMessages, Queue, QueueError, QueueProducer, queueOf } from './queue.js';
import { R2, serveObject } from './r2.js';
import { listen, Tail } from './tail.js';

export { Mail, Outbound, Permits, Queue, QueueProducer, Tail };

/** The engine's numbers for errored, terminated and complete. */
const FINAL = [3, 4, 5];
const UNLOAD_REASON = 'ended';
const TRIES = 20;
const RETRY_MILLISECONDS = 100;

const WORKFLOW = {
  createAll: async (workflow, { instances }) => {
    const { created, errors } = await workflow.createBatch({ instances });
    return { created: created.map(({ id }) => id), errors };
  },
  createScheduled: (workflow, { id, schedule }) => workflow.binding.createScheduled({ id, schedule }),
  pause: async (workflow, { id }) => (await workflow.get(id)).pause(),
  resume: async (workflow, { id }) => (await workflow.get(id)).resume(),
  terminate: async (workflow, { id, rollback }) =>
    (await workflow.get(id)).terminate(rollback ? { rollback } : undefined),
  restart: async (workflow, { id, from }) => (await workflow.get(id)).restart(from && { from }),
  event: async (workflow, { id, type, payload }) => (await workflow.get(id)).sendEvent({ type, payload }),
  delete: async (workflow, { id }) => (await workflow.get(id)).delete(),
};

/**
 * The engine keeps an ended instance in memory, with its files open, as long as the process runs. Once unloaded, it is
 * read from its file again when someone asks for it.
 */
async function unload(engine, id) {
  const instance = engine.get(engine.idFromName(id));
  if (!FINAL.includes(await instance.getStatus())) return;
  await instance.abort(UNLOAD_REASON).catch(() => undefined);
}

/**
 * The platform may be reading the file that a killed process left, and repairing its index. workerd does not wait for that:
 * the object fails, and the next call creates it again.
 */
async function withRetries(call) {
  for (let tries = 1; ; tries += 1)
    try {
      return await call();
    } catch (error) {
      if (tries === TRIES) throw error;
      await scheduler.wait(RETRY_MILLISECONDS);
    }
}

/** Call every instance, and return the ids of those that failed. */
async function callAll(engine, ids, call) {
  const failed = [];
  const callOne = async (id) => {
    try {
      await withRetries(() => call(engine.get(engine.idFromName(id))));
    } catch (error) {
      console.error(`instance ${id} could not be continued: ${error.message}`);
      failed.push(id);
    }
  };
  await Promise.all(ids.map(callOne));
  return failed;
}

const ENGINE = {
  planTest: (engine, { id, plan }) => engine.get(engine.idFromName(id)).planTest(plan),
  revive: (engine, { ids }) => callAll(engine, ids, (instance) => instance.revive()),
  grant: (engine, { ids }) => callAll(engine, ids, (instance) => instance.grantPermit()),
  exceedCpu: (engine, { ids, message, isFinal }) =>
    callAll(engine, ids, (instance) => instance.exceedCpu(message, isFinal)),
  unload: (engine, { ids }) => Promise.allSettled(ids.map((id) => unload(engine, id))).then(() => null),
};

const KV = {
  get: async (kv, { key }) => {
    const { value, metadata } = await kv.getWithMetadata(key, 'arrayBuffer');
    return value === null ? null : { value: base64(value), metadata };
  },
  put: (kv, { key, value, options }) => kv.put(key, bytes(value), options),
  delete: (kv, { key }) => kv.delete(key),
  list: (kv, { options }) => kv.list(options),
};

const D1 = {
  query: async (d1, { statements }) => d1.batch(statements.map((statement) => prepare(d1, statement))),
  raw: async (d1, { statements }) => {
    const { results } = await d1.query({ queries: statements });
    return results.map(({ meta, data: { columns, rows } }) => ({
      success: true,
      meta,
      results: { columns, rows },
    }));
  },
  export: async (d1, { no_schema, no_data, tables }) => {
    const options = [Number(no_schema), Number(no_data), ...tables];
    const [lines] = await d1
      .prepare(EXPORT)
      .bind(...options)
      .raw();
    return lines;
  },
};

/** Answered by Miniflare's database itself. */
const EXPORT = 'PRAGMA miniflare_d1_export(?,?,?);';

const prepare = (d1, { sql, params }) => d1.prepare(sql).bind(...params);

const QUEUE = {
  push: (queue, { name, messages }) => {
    const decoded = messages.map(({ body, ...message }) => ({ ...message, body: bytes(body) }));
    checkMessages(decoded);
    return queue.push(name, decoded);
  },
  metrics: (queue) => queue.metrics(),
  purge: (queue, { name }) => queue.purge(name),
  wake: (queue, { name }) => queue.wake(name),
};

/** The answer shows that no code blocks the process. */
const PROCESS = { ping: () => null };

const TAIL = { listen: (_, { workers }) => listen({ workers }) };

const OPERATIONS = {
  workflow: WORKFLOW,
  engine: ENGINE,
  process: PROCESS,
  tail: TAIL,
  kv: KV,
  d1: D1,
  r2: R2,
  queue: QUEUE,
};

const base64 = (buffer) => new Uint8Array(buffer).toBase64();
const bytes = (text) => Uint8Array.fromBase64(text);

/** Cloudflare's response for a Worker that throws. Miniflare's would show the stack, with paths of this host. */
const WORKER_THREW = { status: 500, headers: { 'content-type': 'text/plain; charset=UTF-8' } };

async function forward(request, worker) {
  const headers = new Headers(request.headers);
  headers.delete('x-control');
  headers.delete('x-control-worker');
  try {
    return await worker.fetch(new Request(request, { headers }));
  } catch (error) {
    console.error(error?.stack ?? String(error));
    return new Response('error code: 1101\n', WORKER_THREW);
  }
}

export default {
  async fetch(request, env) {
    if (request.headers.get('x-control') !== env.SECRET) return new Response(null, { status: 404 });
    const worker = request.headers.get('x-control-worker');
    if (worker !== null) return forward(request, env[`worker:${worker}`]);
    const object = request.headers.get('x-control-object');
    if (object !== null) {
      const { node, key } = JSON.parse(decodeURIComponent(object));
      return serveObject(env[node], key, request);
    }
    const { node, operation, ...options } = await request.json();
    try {
      const colon = node.indexOf(':');
      const [kind, name] = [node.slice(0, colon), node.slice(colon + 1)];
      const resource = kind === 'queue' ? queueOf(env, name) : env[node];
      const result = await OPERATIONS[kind][operation](resource, { ...options, name });
      return Response.json({ result: result ?? null });
    } catch (error) {
      const { status, code } = error instanceof QueueError ? error : {};
      return Response.json({ error: error.message, status, code });
    }
  },
};
