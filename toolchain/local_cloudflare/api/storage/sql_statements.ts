// Splits SQL text into its statements.

/** Quoted text and names, comments, words and semicolons; no other characters matter here. */
const TOKEN =
  /'[^']*'?|"[^"]*"?|`[^`]*`?|\[[^\]]*\]?|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|;|[\p{L}_$][\p{L}\p{N}_$]*/gu;
const CREATE_TRIGGER = /^CREATE (TEMP |TEMPORARY )?TRIGGER$/;
const HEAD_WORDS = 3;

/**
 * The statements, without the semicolons between them and without those that are empty. The body of a trigger, from BEGIN
 * to its END, has semicolons of its own.
 */
export function splitStatements(sql: string): string[] {
  const statements: string[] = [];
  let start = 0;
  let body = new TriggerBody();
  const finish = (end: number): void => {
    const statement = sql.slice(start, end).trim();
    if (withoutComments(statement) !== '') statements.push(statement);
    start = end + 1;
    body = new TriggerBody();
  };
  for (const { 0: token, index } of sql.matchAll(TOKEN))
    if (token === ';' && !body.isOpen) finish(index);
    else if (!isComment(token)) body.read(token.toUpperCase());
  finish(sql.length);
  return statements;
}

const isComment = (token: string): boolean => token.startsWith('--') || token.startsWith('/*');

const withoutComments = (sql: string): string =>
  sql.replace(TOKEN, (token) => (isComment(token) ? '' : token)).trim();

/** Reads the words of a statement to know whether the body of a trigger is open. */
class TriggerBody {
  #head: string[] = [];
  #isTrigger = false;
  /** How many BEGINs and CASEs have no END yet. */
  #depth = 0;

  get isOpen(): boolean {
    return this.#depth > 0;
  }

  read(word: string): void {
    if (!this.#isTrigger) this.#readHead(word);
    else if (word === 'END') this.#depth = Math.max(0, this.#depth - 1);
    else if (word === 'BEGIN' || (word === 'CASE' && this.isOpen)) this.#depth += 1;
  }

  #readHead(word: string): void {
    if (this.#head.length === HEAD_WORDS) return;
    this.#head.push(word);
    this.#isTrigger = CREATE_TRIGGER.test(this.#head.join(' '));
  }
}
