// Which handlers a Worker's code defines, as far as its text shows; only workerd could say for sure, and it does not.

import type { Module } from '../state/records.ts';

const NAMES = 'fetch|scheduled|queue|email|tail|trace|tailStream';
/** A method `fetch(...) {`, a property `fetch: ...`, or a name in `export default { fetch }`. */
const METHOD = new RegExp(String.raw`(?<![\w.$])(${NAMES})\s*\([^()]{0,200}\)\s*\{`, 'g');
const PROPERTY = new RegExp(
  String.raw`(?<![\w.$])(${NAMES})\s*:\s*(?:async\b|function\b|\([^()]{0,200}\)\s*=>|\w+\s*=>)`,
  'g',
);
const SHORTHAND = /export\s+default\s*\{([\s\w,]*)\}/g;

export function handlersOf(main: string, modules: Module[]): string[] {
  const text = modules.find(({ name }) => name === main)?.contents ?? '';
  const defined = [METHOD, PROPERTY].flatMap((pattern) =>
    [...text.matchAll(pattern)].map(([, name]) => name),
  );
  const shorthand = [...text.matchAll(SHORTHAND)].flatMap(([, names = '']) => names.split(/[\s,]+/));
  const found = new Set([...defined, ...shorthand]);
  return NAMES.split('|').filter((name) => found.has(name));
}
