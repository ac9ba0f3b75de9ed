import { hash } from 'node:crypto'
import { Offline, type Resources } from '../core/resources.ts'
import type { SecretRef } from '../core/secret.ts'
import { whyMalformed } from './presented-token.ts'
import type { KnownToken, TokenTable } from './token-table.ts'

/** A token that a config names. */
export interface NamedToken {
  readonly name: string
  readonly ref: SecretRef
  /** Epoch milliseconds. */
  readonly expires?: number | undefined
  readonly scopes?: readonly string[]
}

export const digestOf = (token: string): Buffer => hash('sha256', token, 'buffer')

/**
 * Puts the tokens of a config into a table, and tells when each ends.
 * @param check whose they are, for the names of what ends. @throws Offline
 */
export function addNamed(table: TokenTable, tokens: readonly NamedToken[], check: string, resources: Resources): void {
  for (const { name, ref, expires, scopes = [] } of tokens) {
    const text = resources.secret(ref).text()
    if (whyMalformed(text) !== undefined)
      throw new Offline(`the token ${name} (${ref}) holds a space or an invisible character`, 'write it without')
    addToken(table, digestOf(text), { name, expires, scopes })
    if (expires !== undefined)
      resources.expires({ kind: 'token', name: `${resources.route}/${check}/${name}`, at: expires })
  }
}

/** @throws Offline where the table has it already. */
export function addToken(table: TokenTable, digest: Buffer, token: KnownToken): void {
  const same = table.add(digest, token)
  if (same)
    throw new Offline(
      same.name === token.name
        ? `the token ${token.name} is listed twice`
        : `the tokens ${same.name} and ${token.name} are the same`,
      'give each sender a token of its own',
    )
}
