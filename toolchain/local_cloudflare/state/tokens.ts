// API tokens: the account's own, which has all permissions, and those that tests add.

import { createHash, timingSafeEqual } from 'node:crypto';

export type Kind = 'user' | 'account';

export interface Token {
  id: string;
  /** Which endpoints can verify it. */
  kinds: Kind[];
  status: 'active' | 'disabled' | 'expired';
  /** Names of Cloudflare's permission groups; undefined means all. */
  permissions?: string[];
  /** The ids of the zones it is valid for; undefined means all. */
  zones?: string[];
}

const OWN: Token = { id: '10ca1c10ca1c10ca1c10ca1c10ca1c10', kinds: ['user', 'account'], status: 'active' };

export class Tokens {
  readonly #own: Buffer;
  #added: [Buffer, Token][] = [];

  constructor(own: string) {
    this.#own = digest(own);
  }

  find(text: string): Token | undefined {
    const given = digest(text);
    if (timingSafeEqual(given, this.#own)) return OWN;
    return this.#added.find(([known]) => timingSafeEqual(given, known))?.[1];
  }

  isOwn(text: string): boolean {
    return this.find(text) === OWN;
  }

  /** Accept these tokens besides the account's own, instead of those added before. */
  replace(added: [text: string, token: Omit<Token, 'id'> & { id?: string }][]): void {
    this.#added = added.map(([text, token]) => {
      const known = digest(text);
      return [known, { ...token, id: token.id ?? known.toString('hex').slice(0, 32) }];
    });
  }
}

/** Digests have the same length, so that they can be compared in constant time. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
