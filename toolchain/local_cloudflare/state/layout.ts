// Where Miniflare keeps the state of resources. Each group's process has a folder of its own, because two processes on
// one folder fail under load. When groups merge or split, the files of a resource are renamed into the folder of its
// new group; if a crash interrupts that, the next start finishes it.

import { createHash, createHmac } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { listFolder, privateFolder, remove } from '../system/files.ts';
import { splitNode } from './nodes.ts';

/** The key, and so the folder name, of the Durable Objects that keep the messages of queues. */
export const QUEUES_KEY = 'local-queue';

const SQLITE_SUFFIXES = ['.sqlite', '.sqlite-wal', '.sqlite-shm'];

/** The id that workerd gives a named Durable Object; its file has the same name. */
export function objectId(uniqueKey: string, name: string): string {
  const key = createHash('sha256').update(uniqueKey).digest();
  const base = createHmac('sha256', key).update(name).digest().subarray(0, 16);
  const check = createHmac('sha256', key).update(base).digest().subarray(0, 16);
  return Buffer.concat([base, check]).toString('hex');
}

/** Cloudflare's rule. */
export const WORKFLOW_NAME = /^[a-zA-Z0-9_][a-zA-Z0-9_-]{0,63}$/;

export const workflowKey = (name: string): string => `miniflare-workflows-${name}`;

export function workflowFolder(group: string, name: string): string {
  return path.join(group, 'workflows', workflowKey(name));
}

/** The file of an instance, in its Workflow's folder. */
export const instanceFile = (folder: string, workflow: string, id: string): string =>
  path.join(folder, `${objectId(workflowKey(workflow), id)}.sqlite`);

function objectFiles(kind: string, uniqueKey: string, name: string): string[] {
  const id = objectId(uniqueKey, name);
  return SQLITE_SUFFIXES.map((suffix) => path.join(kind, uniqueKey, id + suffix));
}

/** The files and folders of a resource, relative to its group's folder. */
const STATE_FILES: Record<string, (name: string) => string[]> = {
  workflow: (name) => [path.join('workflows', workflowKey(name))],
  kv: (id) => [path.join('kv', id), ...objectFiles('kv', 'miniflare-KVNamespaceObject', id)],
  d1: (id) => objectFiles('d1', 'miniflare-D1DatabaseObject', id),
  queue: (name) => objectFiles('do', QUEUES_KEY, name),
  do: (id) => [path.join('do', id)],
  r2: (name) => [path.join('r2', name), ...objectFiles('r2', 'miniflare-R2BucketObject', name)],
};

export function stateFilesOf(node: string): string[] {
  const [kind, name] = splitNode(node);
  return STATE_FILES[kind]?.(name) ?? [];
}

/** Move the state of these nodes into the folder of the group `key`. No process may run on either folder. */
export function collectState(groups: string, key: string, nodes: Iterable<string>): void {
  const others = listFolder(groups).filter((other) => other !== key);
  for (const file of [...nodes].flatMap(stateFilesOf)) {
    const destination = path.join(groups, key, file);
    if (fs.existsSync(destination)) continue;
    const source = others.map((other) => path.join(groups, other, file)).find(fs.existsSync);
    if (source === undefined) continue;
    privateFolder(path.dirname(destination));
    fs.renameSync(source, destination);
  }
}

/** Where workerd keeps the alarms of a namespace's objects. */
export const alarmsFile = (group: string, id: string): string =>
  path.join(group, 'do', id, 'metadata.sqlite');

/** Delete the state of a resource permanently. */
export function eraseState(groups: string, key: string, node: string): void {
  for (const file of stateFilesOf(node)) remove(path.join(groups, key, file));
}
