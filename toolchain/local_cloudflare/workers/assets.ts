// The static files of an upload: the session in which they are sent, and the settings for serving them.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { invalidAssets, invalidAssetsToken } from '../http/errors.ts';
import { hasControlCharacter, isText, shown } from '../http/names.ts';
import { type AssetStore, keyOf } from '../state/assets.ts';
import type { AssetConfig, Assets } from '../state/records.ts';
import { checkPaths } from './asset_paths.ts';

const LIFETIME_SECONDS = 3600;
const MAX_FILES = 100_000;
const MAX_BYTES = 25 * 1024 * 1024;
const BUCKET_SIZE = 50;
const HASH = /^[0-9a-f]{32}$/;
const LINE_ENDS = /[\t\r\n]/g;
const HTML_HANDLING = ['auto-trailing-slash', 'force-trailing-slash', 'drop-trailing-slash', 'none'];
const NOT_FOUND_HANDLING = ['single-page-application', '404-page', 'none'];

interface ManifestEntry {
  hash: string;
  size: number;
}

export type Manifest = Record<string, ManifestEntry>;

interface Claims {
  worker: string;
  /** Whether all files are there, so that the token can be used in an upload. */
  isComplete: boolean;
  session: string;
  exp: number;
}

interface Session {
  worker: string;
  manifest: Manifest;
  expires: number;
}

export class AssetUploads {
  readonly #store: AssetStore;
  readonly #secret = randomBytes(32);
  readonly #sessions = new Map<string, Session>();

  constructor(store: AssetStore) {
    this.#store = store;
  }

  /** Start a session; the buckets are the hashes to send together, without those of files that are already here. */
  start(worker: string, manifest: unknown): { jwt: string; buckets: string[][] } {
    const checked = checkManifest(manifest);
    this.#deleteExpired();
    const session = randomBytes(16).toString('hex');
    this.#sessions.set(session, { worker, manifest: checked, expires: now() + LIFETIME_SECONDS });
    const missing = this.#missing(worker, checked);
    const buckets = Array.from({ length: Math.ceil(missing.length / BUCKET_SIZE) }, (_, index) =>
      missing.slice(index * BUCKET_SIZE, (index + 1) * BUCKET_SIZE),
    );
    return { jwt: this.#sign(session, worker, missing.length === 0), buckets };
  }

  /** Throw if this is not the token of a session. */
  check(token: string): void {
    this.#verify(token);
  }

  /** Store files of a session, by hash; return the token that completes it once nothing is missing. */
  receive(token: string, files: Map<string, Buffer>): string | undefined {
    const { session, worker, manifest } = this.#verify(token);
    const sizes = new Map(Object.values(manifest).map(({ hash, size }) => [hash, size]));
    for (const [hash, contents] of files)
      if (sizes.get(hash) !== contents.length)
        throw invalidAssets(`the file with the hash "${hash}" is not in the manifest, or has another size`);
    for (const [hash, contents] of files) this.#store.add(keyOf(worker, hash), contents);
    return this.#missing(worker, manifest).length === 0 ? this.#sign(session, worker, true) : undefined;
  }

  /** The files of a completed session of this Worker: keys by path. */
  complete(token: string, name: string): Record<string, string> {
    const { worker, manifest, isComplete } = this.#verify(token);
    if (!isComplete || worker !== name) throw invalidAssetsToken();
    return Object.fromEntries(Object.entries(manifest).map(([path, { hash }]) => [path, keyOf(name, hash)]));
  }

  #missing(worker: string, manifest: Manifest): string[] {
    const sizes = new Map(Object.values(manifest).map(({ hash, size }) => [hash, size]));
    return Array.from(sizes)
      .filter(([hash, size]) => !this.#store.has({ key: keyOf(worker, hash), size }))
      .map(([hash]) => hash);
  }

  #deleteExpired(): void {
    for (const [id, { expires }] of this.#sessions) if (expires < now()) this.#sessions.delete(id);
  }

  #sign(session: string, worker: string, isComplete: boolean): string {
    const claims: Claims = { session, worker, isComplete, exp: now() + LIFETIME_SECONDS };
    const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
    return `${text}.${this.#signature(text).toString('base64url')}`;
  }

  #verify(token: string): Session & Claims {
    const [head = '', body = '', signature = ''] = String(token).split('.');
    const expected = this.#signature(`${head}.${body}`);
    const given = Buffer.from(signature, 'base64url');
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw invalidAssetsToken();
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Claims;
    const session = this.#sessions.get(claims.session);
    if (!session || claims.exp < now()) throw invalidAssetsToken();
    return { ...session, ...claims };
  }

  #signature(text: string): Buffer {
    return createHmac('sha256', this.#secret).update(text).digest();
  }
}

const now = (): number => Math.floor(Date.now() / 1000);
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function checkManifest(value: unknown): Manifest {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidAssets('the manifest must be an object with the hash and size of each file');
  const entries = Object.entries(value as Record<string, Partial<ManifestEntry> | null>);
  if (entries.length > MAX_FILES)
    throw invalidAssets(`a Worker can have at most ${MAX_FILES} static files, not ${entries.length}`);
  checkPaths(entries.map(([name]) => name));
  return Object.fromEntries(entries.map(([name, entry]) => [name, checkEntry(name, entry ?? {})]));
}

function checkEntry(name: string, { hash, size }: Partial<ManifestEntry>): ManifestEntry {
  if (typeof hash !== 'string' || !HASH.test(hash))
    throw invalidAssets(`the hash of "${name}" must have 32 hexadecimal digits`);
  if (!Number.isInteger(size) || Number(size) < 0 || Number(size) > MAX_BYTES)
    throw invalidAssets(`the size of "${name}" must be at most ${MAX_BYTES} bytes`);
  return { hash, size: Number(size) };
}

export interface AssetsMetadata {
  jwt?: string;
  config?: AssetConfig;
}

interface ReadOptions {
  uploads: AssetUploads;
  worker: string;
  before: Assets | undefined;
  isKept: boolean;
  hasWorker: boolean;
}

/** The static files of a version that is uploaded; undefined if it has none. */
export function readAssets(metadata: AssetsMetadata | undefined, options: ReadOptions): Assets | undefined {
  const { uploads, worker, before, isKept, hasWorker } = options;
  const kept = isKept ? before : undefined;
  if (metadata?.jwt === undefined && !kept) return undefined;
  const manifest = metadata?.jwt === undefined ? kept?.manifest : uploads.complete(metadata.jwt, worker);
  return { manifest: manifest ?? {}, config: checkConfig(metadata?.config ?? kept?.config ?? {}), hasWorker };
}

function checkConfig(config: AssetConfig): AssetConfig {
  checkChoice('html_handling', config.html_handling, HTML_HANDLING);
  checkChoice('not_found_handling', config.not_found_handling, NOT_FOUND_HANDLING);
  const first = config.run_worker_first;
  const isList = Array.isArray(first) && first.every((rule) => typeof rule === 'string');
  if (first !== undefined && typeof first !== 'boolean' && !isList)
    throw invalidAssets('run_worker_first must be true, false, or a list of paths');
  const { base_path, _headers, _redirects } = config;
  for (const [name, value] of Object.entries({ base_path, _headers, _redirects }))
    if (value !== undefined && (!isText(value) || hasControlCharacter(value.replaceAll(LINE_ENDS, ''))))
      throw invalidAssets(`${name} must be text without control characters`);
  if (base_path?.startsWith('/') === false)
    throw invalidAssets(`base_path must start with "/": ${shown(base_path)}`);
  return config;
}

function checkChoice(name: string, value: string | undefined, choices: string[]): void {
  if (value !== undefined && !choices.includes(value))
    throw invalidAssets(`${name} must be one of: ${choices.join(', ')}`);
}
