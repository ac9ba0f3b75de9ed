import { Secret } from '../core/secret.ts'
import { MESSAGE_SIGNATURE } from '../signing/message-signatory.ts'
import { newCredentials, type Signatory, signerKey } from '../signing/provider.ts'
import { signMessage } from '../signing/scheme.ts'
import { UnsignableFault } from '../signing/signed-form.ts'
import { VerbFault } from './fault.ts'

export const FORGERIES = ['secret', 'body', 'timestamp'] as const
export type Forgery = (typeof FORGERIES)[number]

/** A webhook to be sent. */
export interface Draft {
  readonly signatory: Signatory
  readonly secret: Secret
  /** Where it goes. */
  readonly url: URL
  /** The origin that the service was given, where it differs: some schemes sign it. */
  readonly publicOrigin: string | undefined
  readonly body: Buffer
  readonly contentType: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly id: string
  /** Epoch milliseconds. */
  readonly nowMs: number
  readonly forge: Forgery | undefined
}

/** A request as it goes out. */
export interface SignedRequest {
  readonly url: URL
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
  /** The headers as a terminal may show them: signatures shortened, a bare token as its fingerprint. */
  readonly shown: readonly (readonly [name: string, value: string])[]
}

/** Older than any tolerance that a config would name. */
const FORGED_AGE_MS = 30 * 86_400_000
/** These belong to the connection, or frame the body. */
const NOT_YOURS = ['content-length', 'transfer-encoding', 'connection', 'keep-alive', 'upgrade', 'expect']

const PRIVATE = /authorization|cookie|token|key|secret/i

/**
 * Signs the draft as its signatory does.
 * @throws SecretFault where the secret is not in the signatory's form
 * @throws VerbFault where a header is given that signing sets, a forgery is asked for that the scheme can't notice, or the
 *   body lacks what the scheme signs
 */
export function compose(draft: Draft): SignedRequest {
  const { signatory, url, publicOrigin, body, contentType, id, forge } = draft
  const { scheme } = signatory
  if (forge !== undefined) expectNoticed(signatory, forge)
  const key = signerKey(signatory, forge === 'secret' ? new Secret(Buffer.from(another(signatory))) : draft.secret)
  const given = {
    method: 'POST',
    url: `${publicOrigin ?? url.origin}${url.pathname}${url.search}`,
    body,
    contentType,
    headers: draft.headers,
    nowMs: draft.nowMs - (forge === 'timestamp' ? FORGED_AGE_MS : 0),
    id,
  }
  const message = signable(signatory, () => signMessage(scheme, key, given))
  const signed = message.headers
  const { pathname, search } = new URL(message.url)
  const carried = [
    ...(contentType === '' ? [] : ([['Content-Type', contentType]] as const)),
    ...eventIdHeader(draft, signed),
    ...draft.headers,
  ]
  expectOwnHeaders(draft.headers, [...signed.map(([name]) => name), ...scheme.headers])
  return {
    url: new URL(`${url.origin}${pathname}${search}`),
    headers: [...carried, ...signed],
    // A blank behind JSON leaves it valid: only the signature can tell.
    body: forge === 'body' ? Buffer.concat([message.body, Buffer.from(' ')]) : message.body,
    shown: [
      ...carried.map(([name, value]) => [name, PRIVATE.test(name) ? '...' : value] as const),
      ...signed.map(
        ([name, value]) => [name, scheme.kind === 'token' ? new Secret(key).toString() : shortened(value, id)] as const,
      ),
    ],
  }
}

function signable<T>({ id, name }: Signatory, sign: () => T): T {
  try {
    return sign()
  } catch (error) {
    if (!(error instanceof UnsignableFault)) throw error
    throw new VerbFault(
      `what ${name} signs is missing: ${error.message}`,
      id === MESSAGE_SIGNATURE
        ? 'give it with --header, or leave it out of --components'
        : 'give a body as the service sends it, and its type with --content-type',
    )
  }
}

/** A secret, or a private key, that is not the signatory's. */
function another(signatory: Signatory): string {
  const made = newCredentials(signatory)
  if (made === undefined) throw new VerbFault(`${signatory.name} signs with a key of its own`, 'leave --forge out')
  return made.held
}

/** The id where the service writes it without signing it. */
function eventIdHeader({ signatory, id, headers }: Draft, signed: readonly (readonly [string, string])[]) {
  const { eventId } = signatory
  if (eventId === undefined || !('header' in eventId)) return []
  const lower = eventId.header.toLowerCase()
  const there = [...headers, ...signed].some(([name]) => name.toLowerCase() === lower)
  return there ? [] : [[eventId.header, id] as const]
}

const shortened = (value: string, id: string): string =>
  value === id ? value : value.replace(/[A-Za-z0-9+/_-]{20,}=*/g, text => `${text.slice(0, 8)}...`)

function expectOwnHeaders(given: Draft['headers'], signed: readonly string[]): void {
  const taken = signed.map(name => name.toLowerCase())
  for (const [name] of given) {
    const lower = name.toLowerCase()
    if (taken.includes(lower)) throw new VerbFault(`--header ${name} is what the signature sets`, 'leave it out')
    if (lower === 'content-type')
      throw new VerbFault('--header Content-Type has an option', 'write --content-type TYPE')
    if (NOT_YOURS.includes(lower))
      throw new VerbFault(`--header ${name} belongs to the connection, and is set from the body`, 'leave it out')
  }
}

function expectNoticed(signatory: Signatory, forge: Forgery): void {
  const { scheme, name, id } = signatory
  if (forge === 'timestamp' && scheme.tolerance === undefined)
    throw new VerbFault(`${name} signs no timestamp, so an old one can not be forged`, 'use --forge secret')
  if (forge === 'body' && scheme.kind === 'token')
    throw new VerbFault(
      `${name} signs nothing of the body, so a changed one is as good as the first`,
      `use --forge secret; "sallyport providers ${id}" tells what the token protects`,
    )
  if (forge === 'body' && scheme.partOfBody)
    throw new VerbFault(
      `${name} signs a part of the body only, so a body changed elsewhere is as good as the first`,
      id === MESSAGE_SIGNATURE
        ? 'use --forge secret, or add content-digest to --components'
        : `use --forge secret; "sallyport providers ${id}" tells what is signed`,
    )
}
