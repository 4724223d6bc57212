// Runs generated modules in workerd. Each line of stdin is a job, and the reply is a line with the result of each run.
// One process does all jobs of a test session, because loading Miniflare takes most of the time of a job; each job has
// a workerd of its own.
// A job is {modules, vars, children, services, runs}:
// modules: {name: JavaScript that exports the class of that name, or only handlers};
// children: {binding: name of such a class}; services: bindings to these modules (`x-workflow` selects one);
// runs: [{workflow, params}], or [{workflow, request}], whose `calls` names a handler other than fetch.
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';

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

function worker({ modules, vars, children, services }) {
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
    ]),
  };
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

  async finished({ workflow, params, request, event }) {
    if (request) return await this.answer(workflow, request);
    const path = `/${workflow.toLowerCase()}/instances`;
    const { id } = await this.post(path, { params });
    if (event) await this.send(`${path}/${id}`, event);
    return await this.ended(workflow, id);
  }

  async ended(workflow, id) {
    const ends = ({ status }) => ['complete', 'errored', 'terminated'].includes(status);
    return await this.polled(`/${workflow.toLowerCase()}/instances/${id}`, ends);
  }

  async send(path, { type, payload }) {
    await this.polled(path, ({ steps }) => steps.some((step) => step.type === 'waitForEvent'));
    await this.post(`${path}/events/${type}`, payload);
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
    workers: [{ config: worker(job) }],
  });
  try {
    const runs = new Runs(await miniflare.ready);
    const results = [];
    for (let start = 0; start < job.runs.length; start += RUNS_AT_ONCE)
      results.push(
        ...(await Promise.all(job.runs.slice(start, start + RUNS_AT_ONCE).map((run) => runs.finished(run)))),
      );
    return results;
  } finally {
    await miniflare.dispose();
    rmSync(state, { recursive: true, force: true });
  }
}

for await (const line of createInterface({ input: process.stdin }))
  process.stdout.write(`${JSON.stringify(await done(JSON.parse(line)))}\n`);
process.exit(0);
