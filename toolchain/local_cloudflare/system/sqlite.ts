// Reading SQLite files that workerd writes to.

import fs from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { isMissing } from './files.ts';

const BUSY_MILLISECONDS = 2000;
const TRIES = 5;
const BUSY_CODE = 5;
const HEADER_BYTES = 100;
/** The byte of the header that names the journal mode, and its value for a write-ahead log. */
const WRITE_VERSION_BYTE = 18;
const WRITE_AHEAD_LOG = 2;

/** Run `read` on the database; undefined if there is no file, or workerd is still creating it. */
export function readDatabase<T>(file: string, read: (database: DatabaseSync) => T): T | undefined {
  for (let tries = 1; isReady(file); tries += 1) {
    try {
      return readOnce(file, read);
    } catch (error) {
      // Between two calls here, workerd may delete the file, or close it and remove its log.
      if (isBusy(error))
        throw new Error('SQLITE_BUSY: another process keeps the file locked', { cause: error });
      if (tries === TRIES || !isOfSqlite(error)) throw error;
    }
  }
  return undefined;
}

const isOfSqlite = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR';

const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === BUSY_CODE;

function readOnce<T>(file: string, read: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(file, { readOnly: true, timeout: BUSY_MILLISECONDS });
  try {
    return read(database);
  } finally {
    database.close();
  }
}

/**
 * Whether workerd has switched the file to write-ahead logging. Before that, a reader could block it; afterwards, readers
 * and the writer never wait for each other.
 */
function isReady(file: string): boolean {
  let handle: number;
  try {
    handle = fs.openSync(file, 'r');
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    return (
      fs.readSync(handle, header, 0, HEADER_BYTES, 0) === HEADER_BYTES &&
      header[WRITE_VERSION_BYTE] === WRITE_AHEAD_LOG
    );
  } finally {
    fs.closeSync(handle);
  }
}
