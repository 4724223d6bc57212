// The paths of static files, which become files on this machine.

import { invalidAssets } from '../http/errors.ts';
import { shown } from '../http/names.ts';
import { parsePath } from '../state/assets.ts';

/** The limits of Linux, minus the length of the folder that contains the files. */
const MAX_SEGMENT_BYTES = 255;
const MAX_PATH_BYTES = 3000;
/** Other systems do not distinguish such names. */
const keyOf = (file: string): string =>
  process.platform === 'linux' ? file : file.normalize('NFC').toLowerCase();

/** Files of the folder that are not served, and how their settings are sent instead. */
const SETTINGS = new Map([
  ['_headers', 'send its text as the setting _headers of the assets'],
  ['_redirects', 'send its text as the setting _redirects of the assets'],
  ['.assetsignore', 'leave out the files that it names'],
]);

/** Throw if these cannot all be files of one folder. */
export function checkPaths(names: string[]): void {
  const files = new Map<string, string>();
  for (const name of names) {
    const file = checkPath(name).join('/');
    const other = files.get(keyOf(file));
    if (other !== undefined)
      throw invalidAssets(`${shown(other)} and ${shown(name)} are the same static file`);
    files.set(keyOf(file), name);
  }
  for (const [file, name] of files)
    for (let end = file.lastIndexOf('/'); end > 0; end = file.lastIndexOf('/', end - 1)) {
      const parent = files.get(file.slice(0, end));
      if (parent !== undefined)
        throw invalidAssets(
          `${shown(parent)} is a static file, so it cannot be the folder of ${shown(name)}`,
        );
    }
}

function checkPath(name: string): string[] {
  const segments = parsePath(name);
  if (!segments) throw invalidAssets(`${shown(name)} is not a path of a static file`);
  const long = segments.find((segment) => Buffer.byteLength(segment) > MAX_SEGMENT_BYTES);
  if (long !== undefined)
    throw invalidAssets(`${shown(long)} in the path ${shown(name)} has more than ${MAX_SEGMENT_BYTES} bytes`);
  if (Buffer.byteLength(name) > MAX_PATH_BYTES)
    throw invalidAssets(`the path ${shown(name)} has more than ${MAX_PATH_BYTES} bytes`);
  const instead = SETTINGS.get(segments[0] ?? '');
  if (instead !== undefined)
    throw invalidAssets(`the embedded platform does not serve ${shown(name)} as a static file: ${instead}`);
  return segments;
}
