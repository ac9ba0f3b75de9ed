import type { Evidence } from '../core/decision.ts'
import type { UpstreamAnswer } from './exchange.ts'

/** What an answer may name as its reason. Above those that most answers of the kind name anyhow. */
const NAMED = {
  csrf: /\bcsrf\b|authenticity[\s_]token|\bxsrf\b/,
  'client-certificate': /client[\s_-]*cert|ssl cert|mutual tls|\bmtls\b/,
  scope: /\bscopes?\b|insufficient_scope/,
  signature: /\bsignatures?\b|\bhmac\b/,
  timestamp: /time-?stamp|\bclock\b|too old|\bskew/,
  address: /\bip\b|(?:source|remote|client) address|(?:allow|white)-?list/,
  expired: /\bexpired\b/,
  token: /\btokens?\b|\bbearer\b|\bjwt\b|api[\s_-]?key/,
  authentication: /unauthori[sz]ed|unauthenticated|authenticat|credential|forbidden|access[\s_-]denied|permission/,
} as const

/** A word by which an upstream says why it refused. */
export type Clue = keyof typeof NAMED

/** Bytes of a body that are looked at. */
const LOOKED_AT = 4 * 1024
/** Characters of a challenge that are: whoever writes more of them is no service that asks for a credential. */
const CHALLENGE = 1024
const QUOTED = /"(?:[^"\\]|\\.)*"/g
/** Of RFC 6750 section 3.1, and of others who follow it. */
const ERROR = /[\s,]error\s*=\s*"?([a-z_]{1,40})/
const SCOPE = /[\s,]scope\s*=\s*"([\x20-\x21\x23-\x5b\x5d-\x7e]{1,200})"/

/**
 * What an answer of 4xx says of why, for the operator: `asks-for` (the schemes of WWW-Authenticate), `error` and `scope` of RFC
 * 6750, and `names`. Its text is left out, since it may repeat the credential or the body that were sent.
 * @returns `undefined` where it says nothing
 */
export function answerClues({ status, headers, body }: UpstreamAnswer): Evidence | undefined {
  if (status < 400 || status >= 500) return undefined
  const challenge = fieldOf(headers, 'www-authenticate').slice(0, CHALLENGE)
  const schemes = challenge
    .replace(QUOTED, '')
    .split(',')
    .flatMap(part => /^\s*([A-Za-z][A-Za-z0-9._-]{1,40})(?:\s+[^=\s]|\s*$)/.exec(part)?.[1] ?? [])
  const error = ERROR.exec(challenge)?.[1]
  const scope = SCOPE.exec(challenge)?.[1]
  const names = fieldOf(headers, 'content-encoding') === '' && Buffer.isBuffer(body) ? namesIn(body) : []
  if (schemes.length === 0 && names.length === 0) return undefined
  return {
    ...(schemes.length > 0 ? { 'asks-for': [...new Set(schemes)] } : {}),
    ...(error === undefined ? {} : { error }),
    ...(scope === undefined ? {} : { scope }),
    ...(names.length > 0 ? { names } : {}),
  }
}

function namesIn(body: Buffer): Clue[] {
  const text = body.toString('latin1', 0, LOOKED_AT).toLowerCase()
  return (Object.keys(NAMED) as Clue[]).filter(clue => NAMED[clue].test(text))
}

/** All fields of a name, joined. @param name lower case */
function fieldOf(headers: readonly string[], name: string): string {
  const values: string[] = []
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === name) values.push(headers[i + 1] ?? '')
  return values.join(', ')
}
