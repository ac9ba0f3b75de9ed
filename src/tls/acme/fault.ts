/** Why no certificate was obtained, for the operator. It never holds a key. */
export class AcmeFault extends Error {
  override readonly name = 'AcmeFault'
  /** What to do about it. */
  readonly mend: string
  /** The ACME error type without its namespace (RFC 8555 section 6.7), where the CA said one. */
  readonly type: string | undefined
  /** Milliseconds that the CA asks to wait. */
  readonly retryAfter: number | undefined

  constructor(message: string, mend: string, said: { readonly type?: string; readonly retryAfter?: number } = {}) {
    super(message)
    this.mend = mend
    this.type = said.type
    this.retryAfter = said.retryAfter
  }
}

/** A problem document of a CA (RFC 7807, RFC 8555 section 6.7). */
export interface AcmeProblem {
  readonly type?: string | undefined
  readonly detail?: string | undefined
}

const NAMESPACE = 'urn:ietf:params:acme:error:'

/** By ACME error type, without its namespace. */
export type Mends = Readonly<Record<string, string>>

const MENDS: Mends = {
  accountDoesNotExist: 'nothing: the next attempt makes the account anew',
  badCSR: 'nothing to mend here; please report it, with what the CA said',
  caa: 'let the CAA record of the name admit this CA, or remove it',
  connection:
    'see whether the DNS of the name leads here, and whether the port of the challenge is open from the internet',
  dns: 'see whether the name has an address in the public DNS: dig NAME',
  externalAccountRequired: 'name the account that the CA gave you: eab: { kid: ID, key: { env: NAME } }',
  incorrectResponse: 'something else answers for the name: let it lead to this gate',
  invalidContact: 'write an address under email that the CA accepts',
  rateLimited: 'wait: the gate tries again when the CA allows it. Try configs out with the staging directory of the CA',
  rejectedIdentifier: 'the CA issues nothing for this name: remove it from names',
  serverInternal: 'wait: the gate tries again',
  tls: 'something else answers TLS for the name, or in front of the gate: let connections reach it as they are',
  unauthorized:
    'the CA does not admit the account: where it was deactivated, remove account.json from the store, and another is made',
  unsupportedContact: 'write an address under email that the CA accepts',
  unsupportedIdentifier: 'the CA issues nothing for this name: remove it from names',
  userActionRequired: 'the CA wants you to do something first; what it said tells where',
}

/** Of a proof that the CA looked for. */
export const UNPROVEN: Mends = {
  unauthorized:
    'nothing answers for the name, or something else does: see whether its DNS leads here, and whether the port of the challenge is open from the internet',
}

/** Of an account that is to be bound to another. */
export const UNBOUND: Mends = {
  malformed: 'see whether kid and key under eab are those that the CA gave, for this directory',
  unauthorized: 'see whether kid and key under eab are those that the CA gave, for this directory',
}

/**
 * What a CA said, as sentence and mend. Its text is cut short and freed of line ends.
 * @param here mends of what was asked, before those of any step
 */
export function faultOf(
  what: string,
  problem: AcmeProblem | undefined,
  status: number,
  retryAfter?: number,
  here: Mends = {},
): AcmeFault {
  const type = problem?.type?.startsWith(NAMESPACE) === true ? problem.type.slice(NAMESPACE.length) : undefined
  const detail = problem?.detail?.replace(/\p{Cc}+/gu, ' ').slice(0, 400)
  const said = [type, detail].filter(part => part !== undefined && part !== '').join(': ')
  const mends = { ...MENDS, ...here }
  const known = type !== undefined && Object.hasOwn(mends, type) ? mends[type] : undefined
  return new AcmeFault(
    `${what}: ${said === '' ? `the CA answered ${status}` : said}`,
    known ?? (status === 429 || status >= 500 ? 'wait: the gate tries again' : 'see what the CA said'),
    { ...(type === undefined ? {} : { type }), ...(retryAfter === undefined ? {} : { retryAfter }) },
  )
}
