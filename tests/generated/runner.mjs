// Runs generated modules in workerd: reads {modules, vars, runs} from stdin, writes what each run did.
// modules: {name: JavaScript that exports the class of that name}; runs: [{workflow, params}].
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';

const require = createRequire(`${process.argv[2]}/package.json`);
const { Log, LogLevel, Miniflare } = require('miniflare');

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { modules, vars = {}, runs } = JSON.parse(Buffer.concat(chunks));

const names = Object.keys(modules);
const main = [
  ...names.map((name) => `export { ${name} } from "./${name}.js";`),
  ...names.map((name) => `import handlers_${name} from "./${name}.js";`),
  `const handlers = { ${names.map((name) => `${name}: handlers_${name}`).join(', ')} };`,
  `export default { fetch(request, env, ctx) {
    const name = request.headers.get("x-workflow");
    return handlers[name].fetch(request, { ...env, WORKFLOW: env[name] }, ctx);
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
            names.map((name) => [
              name,
              { type: 'workflow', name: name.toLowerCase(), worker: 'generated', exportName: name },
            ]),
          ),
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
  for (;;) {
    const instance = await json(`${path}/${id}`);
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

async function answer(workflow, { path = '/', ...init }) {
  const headers = { ...init.headers, 'x-workflow': workflow };
  const response = await fetch(new URL(path, url), { ...init, headers });
  return { status: response.status, headers: Object.fromEntries(response.headers), text: await response.text() };
}

const results = [];
for (let at = 0; at < runs.length; at += 20)
  results.push(...(await Promise.all(runs.slice(at, at + 20).map(finished))));
process.stdout.write(JSON.stringify(results));
await miniflare.dispose();
rmSync(state, { recursive: true, force: true });
process.exit(0);
