// Runs generated modules in workerd. Each line of stdin is a job, and the reply is a line with the result of each run.
// One process does all jobs of a test session, because loading Miniflare takes most of the time of a job; each job has
// a workerd of its own.
// A job is {modules, vars, children, services, bindings, fakes, outbound, runs}:
// modules: {name: JavaScript that exports the class of that name, or only handlers};
// children: {binding: name of such a class}; services: bindings to these modules (`x-workflow` selects one);
// bindings: {name: options for Miniflare}; fakes: a module with the classes of {type: "fake", exportName};
// outbound: the address of a server that answers all requests to other hosts, at /HOST/PATH;
// runs: [{workflow, params, event, events}], or [{workflow, request}], whose `calls` names a handler other than fetch.
// Runs with the same `lane` run one after the other; `outbound` receives the number of each at /LANE before it starts.
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';

const require = createRequire(`${process.argv[2]}/package.json`);
const { Log, LogLevel, Miniflare } = require('miniflare');

const FIRST_POLL = 20; // milliseconds
const RUNS_AT_ONCE = 20;

function mainModule(names, classes) {
  return [
    ...classes.map((name) => `export { ${name} } from "./${name}.js";`),
    ...names.map((name) => `import handlers_${name} from "./${name}.js";`),
    `const handlers = { ${names.map((name) => `${name}: handlers_${name}`).join(', ')} };`,
    `export default { async fetch(request, env, ctx) {
      const name = request.headers.get("x-workflow");
      const own = env[name] ? { WORKFLOW: env[name] } : {};
      const calls = request.headers.get("x-calls");
      if (!calls) return handlers[name].fetch(request, { ...env, ...own }, ctx);
      const event = await request.json(), started = [], done = [];
      const WORKFLOW = {
        get: (id) => env[name].get(id),
        create: async (options) => {
          const run = await env[name].create(options);
          started.push(run.id);
          return run;
        },
      };
      for (const message of event.messages ?? []) {
        message.ack = () => done.push("ack " + message.id);
        message.retry = () => done.push("retry " + message.id);
      }
      await handlers[name][calls](event, { ...env, WORKFLOW }, ctx);
      return Response.json({ started, done });
    } };`,
  ].join('\n');
}

function worker({ modules, vars, children, services, bindings }) {
  const names = Object.keys(modules);
  const classes = names.filter((name) => modules[name].includes(`export class ${name} `));
  const main = { type: 'esm', contents: mainModule(names, classes) };
  const others = names.map((name) => [`${name}.js`, { type: 'esm', contents: modules[name] }]);
  const workflows = [...classes.map((name) => [name, name]), ...Object.entries(children)];
  return {
    name: 'generated',
    compatibilityDate: '2026-11-01',
    compatibilityFlags: ['nodejs_compat', 'workflows_preserve_non_retryable_error_message'],
    triggers: [{ type: 'fetch', pattern: '*/*' }],
    manifest: { mainModule: 'main.js', modules: { 'main.js': main, ...Object.fromEntries(others) } },
    env: Object.fromEntries([
      ...workflows.map(([binding, name]) => [
        binding,
        { type: 'workflow', name: name.toLowerCase(), worker: 'generated', exportName: name },
      ]),
      ...services.map((name) => [name, { type: 'worker', worker: 'generated' }]),
      ...Object.entries(vars).map(([name, value]) => [name, { type: 'text', value }]),
      ...Object.entries(bindings).map(([name, binding]) => [name, bindingOptions(binding)]),
    ]),
  };
}

const bindingOptions = (binding) =>
  binding.type === 'fake' ? { ...binding, type: 'worker', worker: 'fakes' } : binding;

function workers(job) {
  const dev = job.outbound && {
    outboundService: {
      type: 'node-handler',
      handler: (request, response) => void answer(request, response, job.outbound),
    },
  };
  const main = { config: worker(job), ...(dev && { dev }) };
  return job.fakes ? [main, { config: fakeWorker(job.fakes) }] : [main];
}

function fakeWorker(contents) {
  const modules = { 'fakes.js': { type: 'esm', contents } };
  return { name: 'fakes', compatibilityDate: '2026-11-01', manifest: { mainModule: 'fakes.js', modules } };
}

/** Answer a request to another host with what the server answers. x-broken breaks the connection. */
async function answer(request, response, outbound) {
  const url = new URL(request.url, `http://${request.headers.host}`);
  const isLocal = url.hostname === '127.0.0.1';
  const unwanted = /^(host|connection|content-length|transfer-encoding|mf-.*|cf-.*)$/i;
  const headers = Object.entries(request.headers).filter(([name]) => !unwanted.test(name));
  const body = ['GET', 'HEAD'].includes(request.method) ? undefined : await buffer(request);
  const address = isLocal ? url.href : `${outbound}/${url.host}${url.pathname}${url.search}`;
  const answered = await fetch(address, { method: request.method, headers, body, redirect: 'manual' });
  if (answered.headers.has('x-broken')) return request.socket.destroy();
  response.writeHead(answered.status, Object.fromEntries(answered.headers));
  response.end(Buffer.from(await answered.arrayBuffer()));
}

class Runs {
  constructor(url) {
    this.url = url;
    this.explorer = new URL('/cdn-cgi/local/explorer/api/workflows', url).href;
  }

  async json(path, init) {
    return (await (await fetch(`${this.explorer}${path}`, init)).json()).result;
  }

  async post(path, value) {
    const headers = { 'content-type': 'application/json' };
    return await this.json(path, { method: 'POST', headers, body: JSON.stringify(value) });
  }

  async finished({ workflow, params, request, event, events }) {
    if (request) return await this.answer(workflow, request);
    const path = `/${workflow.toLowerCase()}/instances`;
    const { id } = await this.post(path, { params });
    if (event) await this.send(`${path}/${id}`, event);
    for (const { type, payload } of events) await this.post(`${path}/${id}/events/${type}`, payload);
    return await this.ended(workflow, id);
  }

  async ended(workflow, id) {
    const ends = ({ status }) => ['complete', 'errored', 'terminated'].includes(status);
    return await this.polled(`/${workflow.toLowerCase()}/instances/${id}`, ends);
  }

  /** Without a type, the event is the one that a step of the run names. */
  async send(path, { type, payload }) {
    const isWait = (step) => step.type === 'waitForEvent';
    const { steps } = await this.polled(path, ({ steps }) => steps.some(isWait));
    await this.post(`${path}/events/${type ?? steps.find(({ output }) => output?.eventType).output.eventType}`, payload);
  }

  /** The longer a run takes, the less often it is read: a poll takes milliseconds of computing time. */
  async polled(path, isReached) {
    const start = Date.now();
    for (;;) {
      const instance = await this.json(path);
      if (isReached(instance)) return instance;
      const milliseconds = Math.max(FIRST_POLL, (Date.now() - start) / 10);
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
    }
  }

  async answer(workflow, { path = '/', calls, ...init }) {
    const headers = { ...init.headers, 'x-workflow': workflow, ...(calls && { 'x-calls': calls }) };
    const { pathname, search } = new URL(path, this.url);
    const response = await fetch(new URL(this.url).origin + pathname + search, { ...init, headers });
    if (calls) {
      const { started, done } = await response.json();
      return { done, runs: await Promise.all(started.map((id) => this.ended(workflow, id))) };
    }
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      text: await response.text(),
    };
  }
}

/** Each run in a lane of its own, unless it names one. */
async function results(runs, { runs: wanted, outbound }) {
  const lanes = new Map();
  wanted.forEach((run, index) => {
    const lane = run.lane || String(index);
    lanes.set(lane, [...(lanes.get(lane) ?? []), index]);
  });
  const found = [];
  const waiting = [...lanes];
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [lane, indices] = next;
      for (const [at, index] of indices.entries()) {
        if (outbound) await fetch(`${outbound}/${lane}`, { method: 'PUT', body: String(at) });
        found[index] = await runs.finished(wanted[index]);
      }
    }
  };
  await Promise.all(Array.from({ length: RUNS_AT_ONCE }, work));
  return found;
}

async function done(job) {
  const state = mkdtempSync(`${tmpdir()}/awaitstep-runner-`);
  const miniflare = new Miniflare({
    host: '127.0.0.1',
    port: 0,
    cf: false,
    telemetry: { enabled: false },
    log: new Log(LogLevel.NONE),
    handleStructuredLogs() {},
    resourcePersistencePath: state,
    unsafeLocalExplorer: true,
    workers: workers(job),
  });
  try {
    return await results(new Runs(await miniflare.ready), job);
  } finally {
    await miniflare.dispose();
    rmSync(state, { recursive: true, force: true });
  }
}

for await (const line of createInterface({ input: process.stdin }))
  process.stdout.write(`${JSON.stringify(await done(JSON.parse(line)))}\n`);
process.exit(0);
