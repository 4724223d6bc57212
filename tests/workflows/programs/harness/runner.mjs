// Runs generated modules in workerd: reads {modules, vars, runs} from stdin, writes the result of each run.
// modules: {name: JavaScript that exports the class of that name, or only handlers};
// children: {binding: name of such a class}; services: bindings to these modules (`x-workflow` selects one);
// runs: [{workflow, params}], or [{workflow, request}], whose `calls` names a handler other than fetch.
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';

const require = createRequire(`${process.argv[2]}/package.json`);
const { Log, LogLevel, Miniflare } = require('miniflare');

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { modules, vars = {}, children = {}, services = [], runs } = JSON.parse(Buffer.concat(chunks));

const names = Object.keys(modules);
const classes = names.filter((name) => modules[name].includes(`export class ${name} `));
const main = [
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
  workers: [
    {
      config: {
        name: 'generated',
        compatibilityDate: '2026-11-01',
        compatibilityFlags: ['nodejs_compat', 'workflows_preserve_non_retryable_error_message'],
        triggers: [{ type: 'fetch', pattern: '*/*' }],
        manifest: {
          mainModule: 'main.js',
          modules: {
            'main.js': { type: 'esm', contents: main },
            ...Object.fromEntries(
              names.map((name) => [`${name}.js`, { type: 'esm', contents: modules[name] }]),
            ),
          },
        },
        env: {
          ...Object.fromEntries(
            classes.map((name) => [
              name,
              { type: 'workflow', name: name.toLowerCase(), worker: 'generated', exportName: name },
            ]),
          ),
          ...Object.fromEntries(
            Object.entries(children).map(([binding, name]) => [
              binding,
              { type: 'workflow', name: name.toLowerCase(), worker: 'generated', exportName: name },
            ]),
          ),
          ...Object.fromEntries(services.map((name) => [name, { type: 'worker', worker: 'generated' }])),
          ...Object.fromEntries(
            Object.entries(vars).map(([name, value]) => [name, { type: 'text', value }]),
          ),
        },
      },
    },
  ],
});

const url = await miniflare.ready;
const explorer = new URL('/cdn-cgi/local/explorer/api/workflows', url).href;
const json = async (path, init) => (await (await fetch(`${explorer}${path}`, init)).json()).result;

async function finished({ workflow, params, request, event }) {
  if (request) return answer(workflow, request);
  const path = `/${workflow.toLowerCase()}/instances`;
  const { id } = await json(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ params }),
  });
  if (event) await sent(`${path}/${id}`, event);
  return ended(workflow, id);
}

async function ended(workflow, id) {
  for (;;) {
    const instance = await json(`/${workflow.toLowerCase()}/instances/${id}`);
    if (['complete', 'errored', 'terminated'].includes(instance.status)) return instance;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function sent(path, { type, payload }) {
  while (!(await json(path)).steps.some((step) => step.type === 'waitForEvent'))
    await new Promise((resolve) => setTimeout(resolve, 20));
  await json(`${path}/events/${type}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(payload),
  });
}

async function answer(workflow, { path = '/', calls, ...init }) {
  const headers = { ...init.headers, 'x-workflow': workflow, ...(calls && { 'x-calls': calls }) };
  const { pathname, search } = new URL(path, url);
  const response = await fetch(new URL(url).origin + pathname + search, { ...init, headers });
  if (calls) {
    const { started, done } = await response.json();
    return { done, runs: await Promise.all(started.map((id) => ended(workflow, id))) };
  }
  return { status: response.status, headers: Object.fromEntries(response.headers), text: await response.text() };
}

const results = [];
for (let start = 0; start < runs.length; start += 20)
  results.push(...(await Promise.all(runs.slice(start, start + 20).map(finished))));
process.stdout.write(JSON.stringify(results));
await miniflare.dispose();
rmSync(state, { recursive: true, force: true });
process.exit(0);
