// Wraps a Worker's main module in one that holds its Workflows to Cloudflare's limits.

import fs from 'node:fs';
import path from 'node:path';
import type { Binding, Module, Version } from '../state/records.ts';

const MAIN = 'workflow-limits-main.js';
const LIMITS = readModule('workflow-limits.js', 'limits.js');
const DURATIONS = readModule('workflow-durations.js', 'durations.js');

type Modules = Pick<Version, 'main_module' | 'modules'>;

/** The modules of a Worker; its main module is wrapped if it has Workflows or bindings to them. */
export function limitedModules(worker: string, { main_module, modules, bindings }: Version): Modules {
  const workflows = bindings.filter(({ type }) => type === 'workflow');
  const main = modules.find(({ name }) => name === main_module);
  if (workflows.length === 0 || main?.type !== 'esm') return { main_module, modules };
  const contents = mainModule(main_module, classesOf(worker, workflows), workflows);
  return {
    main_module: MAIN,
    modules: [...modules, LIMITS, DURATIONS, { name: MAIN, type: 'esm', contents }],
  };
}

const classesOf = (worker: string, workflows: Binding[]): string[] =>
  workflows
    .filter(({ script_name }) => (script_name ?? worker) === worker)
    .map(({ class_name }) => String(class_name));

function mainModule(main: string, classes: string[], bindings: Binding[]): string {
  const specifier = JSON.stringify(`./${main}`);
  const names = bindings.map(({ name }) => name);
  return `import { env } from 'cloudflare:workers';
import * as main from ${specifier};
import { limitBinding, limitClass } from './${LIMITS.name}';
for (const name of new Set(${JSON.stringify(classes)})) limitClass(main[name]);
for (const name of ${JSON.stringify(names)}) limitBinding(env[name]);
export * from ${specifier};
export default main.default ?? {};
`;
}

function readModule(name: string, file: string): Module {
  return { name, type: 'esm', contents: fs.readFileSync(path.join(import.meta.dirname, file), 'utf8') };
}
