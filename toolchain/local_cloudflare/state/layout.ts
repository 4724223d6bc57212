// Where state stands. A group's process has a folder of its own, because two processes on one folder fail under load.
// When groups join or split, what belongs to a resource moves to the folder of its new group: by renames, which a kill
// in the middle leaves to the next start to finish.

import { createHash, createHmac } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { names, privateFolder } from '../system/files.ts';

/** The key, and so the folder, of the Durable Objects that hold the messages of queues. */
export const QUEUES_KEY = 'local-queue';

const SQLITE_SUFFIXES = ['.sqlite', '.sqlite-wal', '.sqlite-shm'];

/** workerd's id of a Durable Object by name, which is the name of its file. */
export function objectId(uniqueKey: string, name: string): string {
  const key = createHash('sha256').update(uniqueKey).digest();
  const base = createHmac('sha256', key).update(name).digest().subarray(0, 16);
  const check = createHmac('sha256', key).update(base).digest().subarray(0, 16);
  return Buffer.concat([base, check]).toString('hex');
}

export const workflowKey = (name: string): string => `miniflare-workflows-${name}`;

export function workflowFolder(group: string, name: string): string {
  return path.join(group, 'workflows', workflowKey(name));
}

function objectFiles(kind: string, uniqueKey: string, name: string): string[] {
  const id = objectId(uniqueKey, name);
  return SQLITE_SUFFIXES.map((suffix) => path.join(kind, uniqueKey, id + suffix));
}

/** The files and folders of a resource inside its group's folder. */
const PIECES: Record<string, (name: string) => string[]> = {
  workflow: (name) => [path.join('workflows', workflowKey(name))],
  kv: (id) => [path.join('kv', id), ...objectFiles('kv', 'miniflare-KVNamespaceObject', id)],
  d1: (id) => objectFiles('d1', 'miniflare-D1DatabaseObject', id),
  queue: (name) => objectFiles('do', QUEUES_KEY, name),
  r2: (name) => [path.join('r2', name), ...objectFiles('r2', 'miniflare-R2BucketObject', name)],
};

export function piecesOf(node: string): string[] {
  const at = node.indexOf(':');
  return PIECES[node.slice(0, at)]?.(node.slice(at + 1)) ?? [];
}

/** Bring every piece of these nodes into the folder `key`. No process may run on either folder. */
export function gather(groups: string, key: string, nodes: Iterable<string>): void {
  const others = names(groups).filter((other) => other !== key);
  for (const piece of [...nodes].flatMap(piecesOf)) {
    const home = path.join(groups, key, piece);
    if (fs.existsSync(home)) continue;
    const found = others.map((other) => path.join(groups, other, piece)).find((at) => fs.existsSync(at));
    if (found === undefined) continue;
    privateFolder(path.dirname(home));
    fs.renameSync(found, home);
  }
}

/** Remove a resource's state for good. */
export function erase(groups: string, key: string, node: string): void {
  for (const piece of piecesOf(node))
    fs.rmSync(path.join(groups, key, piece), { recursive: true, force: true });
}
