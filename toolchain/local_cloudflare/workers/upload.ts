// Reads a Worker's multipart upload: a part `metadata` with JSON, and a part for each module.

import { createHash } from 'node:crypto';
import path from 'node:path';
import { checkBindings, checkSupported } from '../groups/bindings.ts';
import { invalidAssets, invalidUpload, migrationFailed, missingBinding } from '../http/errors.ts';
import { hasControlCharacter, isText, shown } from '../http/names.ts';
import { checkSettings, parseJson, readPart } from '../http/requests.ts';
import type { Account } from '../state/account.ts';
import { newId, now } from '../state/new_records.ts';
import type { Assets, Binding, Module, ModuleType, Source, Version } from '../state/records.ts';
import { type AssetsMetadata, type AssetUploads, readAssets } from './assets.ts';
import { checkTargetsExist } from './binding_targets.ts';
import { type MigratedWorker, type Migrations, migrate } from './durable_objects.ts';
import { handlersOf } from './handlers.ts';

const TYPES: Record<string, ModuleType> = {
  'application/javascript+module': 'esm',
  'application/javascript': 'cjs',
  'text/javascript+module': 'esm',
  'text/javascript': 'cjs',
  'application/wasm': 'wasm',
  'application/octet-stream': 'data',
  'application/json': 'json',
  'text/plain': 'text',
};
/** The code of a Worker that has only static files; it is never called. */
const NO_CODE: Module = { name: 'no-code.js', type: 'esm', contents: 'export default {};' };
const SOURCE_MAP = 'application/source-map';
const OLDEST_DATE = '2021-11-02';
const DATE = /^\d{4}-\d{2}-\d{2}$/;

interface Metadata {
  main_module?: string;
  body_part?: string;
  bindings?: Binding[];
  keep_bindings?: string[];
  compatibility_date?: string;
  compatibility_flags?: string[];
  annotations?: Record<string, string>;
  limits?: Record<string, unknown>;
  placement?: Record<string, unknown>;
  migrations?: Migrations;
  assets?: AssetsMetadata;
  keep_assets?: boolean;
  [setting: string]: unknown;
}

export interface Upload {
  version: Version;
  settings: Record<string, unknown>;
  migrated: MigratedWorker;
}

const SETTINGS = ['tags', 'logpush', 'observability', 'tail_consumers'];

/**
 * Settings without an effect on this machine are kept and shown as on Cloudflare: where a Worker runs
 * (`placement`), how long (`limits`), and where its logs go (`logpush`, `observability`).
 */
export const WORKER_SETTINGS = [
  'annotations',
  'bindings',
  'body_part', // refused, with advice on what to do
  'code_update_strategy', // how Durable Objects get new code; here they are restarted
  'compatibility_date',
  'compatibility_flags',
  'keep_assets',
  'keep_bindings',
  'limits',
  'logpush',
  'main_module',
  'observability',
  'package_dependencies', // what the code was built from
  'placement',
  'tags',
  'usage_model',
];

/** These belong to an upload, and cannot be changed on their own. */
const UPLOAD_SETTINGS = [...WORKER_SETTINGS, 'assets', 'migrations'];

export interface UploadContext {
  account: Account;
  uploads: AssetUploads;
  worker: string;
  /** The newest version, from which bindings can be kept. */
  before: Version | undefined;
  source: Source;
  trigger: 'upload' | 'version_upload';
  /** Refuse to inherit a binding that does not exist, instead of leaving it out. */
  isStrict: boolean;
}

export async function readUpload(request: Request, context: UploadContext): Promise<Upload> {
  const form = await request.formData().catch(() => {
    throw invalidUpload('the body must be multipart/form-data');
  });
  const metadata = await readMetadata(form);
  checkSettings(metadata, UPLOAD_SETTINGS, `Worker "${context.worker}"`);
  const migrated = readMigrations(metadata, context);
  const modules = await readModules(form);
  const assets = readAssets(metadata.assets, {
    uploads: context.uploads,
    worker: context.worker,
    before: context.before?.assets,
    isKept: metadata.keep_assets === true,
    hasWorker: metadata.main_module !== undefined,
  });
  if (assets && !assets.hasWorker) modules.push(NO_CODE);
  const main_module = assets?.hasWorker === false ? NO_CODE.name : mainModule(metadata, modules);
  const version: Version = {
    id: newId(),
    number: (context.before?.number ?? 0) + 1,
    created_on: now(),
    source: context.source,
    main_module,
    handlers: handlersOf(main_module, modules),
    compatibility_date: compatibilityDate(metadata),
    compatibility_flags: metadata.compatibility_flags ?? [],
    bindings: readBindings(metadata, context, { migrated, assets }),
    modules,
    annotations: { 'workers/triggered_by': context.trigger, ...metadata.annotations },
    etag: createHash('sha256').update(JSON.stringify(modules)).digest('hex'),
    ...(metadata.limits && { limits: metadata.limits }),
    ...(metadata.placement && { placement: metadata.placement }),
    ...(assets && { assets }),
  };
  const settings = SETTINGS.filter((name) => metadata[name] !== undefined);
  return { version, settings: Object.fromEntries(settings.map((name) => [name, metadata[name]])), migrated };
}

function readMigrations(
  { migrations }: Metadata,
  { account, worker, trigger }: UploadContext,
): MigratedWorker {
  if (migrations && trigger === 'version_upload')
    throw migrationFailed(
      10211,
      'A version with migrations of Durable Objects cannot be uploaded without deploying it: deploy it instead',
    );
  return migrate(account.workers.get(worker), migrations);
}

async function readMetadata(form: FormData): Promise<Metadata> {
  const text = await readPart(form, 'metadata');
  let metadata: Record<string, unknown> | undefined;
  try {
    const value = parseJson(text ?? '');
    if (isObject(value)) metadata = value;
  } catch {
    // reported below
  }
  if (!metadata) throw invalidUpload('the part "metadata" must be a JSON object');
  for (const [name, isValid, what] of METADATA)
    if (!isValid(metadata[name] ?? undefined)) throw invalidUpload(`${name} in the metadata must be ${what}`);
  return { ...metadata };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

type Check = (value: unknown) => boolean;
const optional = (check: Check) => (value: unknown) => value === undefined || check(value);
const TEXT: [Check, string] = [optional(isText), 'text'];
const TEXTS: [Check, string] = [
  optional((value) => Array.isArray(value) && value.every(isText)),
  'a list of strings',
];
const OBJECT: [Check, string] = [optional(isObject), 'an object'];

const METADATA: [string, ...[Check, string]][] = [
  ['main_module', ...TEXT],
  ['compatibility_date', ...TEXT],
  ['keep_bindings', ...TEXTS],
  ['compatibility_flags', ...TEXTS],
  ['tags', ...TEXTS],
  ['annotations', ...OBJECT],
  ['assets', ...OBJECT],
  ['limits', ...OBJECT],
  ['migrations', ...OBJECT],
  ['placement', ...OBJECT],
];

async function readModules(form: FormData): Promise<Module[]> {
  const modules: Module[] = [];
  for (const [field, part] of form) {
    if (field === 'metadata' || !(part instanceof File) || part.type === SOURCE_MAP) continue;
    const name = moduleName(part.name); // not the field's name: the SDK uses "files" for all
    const type = moduleType(name, part.type);
    const isBytes = type === 'data' || type === 'wasm';
    const contents = isBytes ? Buffer.from(await part.arrayBuffer()).toString('base64') : await part.text();
    if (modules.some((other) => path.posix.normalize(other.name) === path.posix.normalize(name)))
      throw invalidUpload(`two modules have the name "${name}"`);
    modules.push({ name, type, contents });
  }
  return modules;
}

/** workerd fails without a message if a module is outside the Worker's root. */
function moduleName(name: string): string {
  if (name === '') throw invalidUpload('a module has no name');
  if (hasControlCharacter(name) || name === '__proto__')
    throw invalidUpload(`a module cannot have the name ${shown(name)}`);
  const [first] = path.posix.normalize(name).split('/');
  if (first === '' || first === '..')
    throw invalidUpload(
      `module "${name}" is outside the Worker: its name must not start with "/" or leave the root folder`,
    );
  return name;
}

function moduleType(name: string, mime: string): ModuleType {
  const type = TYPES[mime.split(';')[0]?.trim() ?? ''];
  if (type === undefined) throw invalidUpload(`module "${name}" has the unknown type "${mime}"`);
  return type;
}

function mainModule(metadata: Metadata, modules: Module[]): string {
  const name = metadata.main_module;
  if (name === undefined)
    throw invalidUpload('metadata has no main_module: the embedded platform only runs ES modules');
  if (!modules.some((module) => module.name === name))
    throw invalidUpload(`no such module: the main module "${name}" was not uploaded`);
  return name;
}

function compatibilityDate(metadata: Metadata): string {
  const date = metadata.compatibility_date ?? OLDEST_DATE;
  if (!DATE.test(date)) throw invalidUpload(`"${date}" is not a valid compatibility date`);
  return date;
}

function readBindings(
  metadata: Metadata,
  context: UploadContext,
  { migrated, assets }: { migrated: MigratedWorker; assets: Assets | undefined },
): Binding[] {
  const before = context.before?.bindings ?? [];
  const requested = metadata.bindings ?? [];
  checkBindings(requested);
  const own = requested.flatMap((binding) => inherited(binding, before, context.isStrict));
  const names = new Set(own.map(({ name }) => name));
  const kept = before.filter(({ name, type }) => metadata.keep_bindings?.includes(type) && !names.has(name));
  for (const binding of own) checkSupported(binding);
  checkTargetsExist(own, { ...context, namespaces: migrated.namespaces });
  const unusable = assets ? undefined : own.find(({ type }) => type === 'assets');
  if (unusable) throw invalidAssets(`binding ${unusable.name} of type assets needs static files to serve`);
  return [...own, ...kept];
}

function inherited(binding: Binding, before: Binding[], isStrict: boolean): Binding[] {
  if (binding.type !== 'inherit') return [binding];
  const name = String(binding.old_name ?? binding.name);
  const found = before.find((other) => other.name === name);
  if (!found && isStrict)
    throw missingBinding(
      10057,
      `binding ${name} cannot be inherited, because the previous version has none with this name`,
    );
  return found ? [{ ...found, name: binding.name }] : [];
}
