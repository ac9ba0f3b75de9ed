import type { Explaining } from '../../core/captured.ts'
import type { Finding } from '../../core/finding.ts'
import { checkJson } from '../../core/json.ts'
import { readTree, sortedMembers } from '../../signing/near-miss/json-tokens.ts'
import { likely, possible } from './finding.ts'
import { isProxied, otherUrl, type SignedPart } from './signature-url.ts'

/** As many members are in the order of their names by chance in one body of hundreds. */
const NO_CHANCE = 6
const MOST_READ = 2 * 1024 * 1024

interface Searched {
  /** Of the scheme. */
  readonly kind: string
  /** Whether public keys verify. */
  readonly keyed: boolean
  /** Where the service shows the secret or key. */
  readonly where: string | undefined
  readonly tried: number
  /** What of the URL it signs; `undefined`: nothing. */
  readonly signs: SignedPart | undefined
}

/** What is left of a signature that nothing matches. */
export function remaining(
  { request, refusal }: Pick<Explaining<unknown>, 'request' | 'refusal'>,
  { kind, keyed, where, tried, signs }: Searched,
): readonly Finding[] {
  const word = keyed ? 'public key' : 'secret'
  const unknown = possible({
    cause: `signature.unknown-${keyed ? 'key' : 'secret'}`,
    because: `none of ${tried} variations matches: the sender holds another ${word}`,
    evidence: { tried },
    mend: `copy the ${word} anew${where === undefined ? ' from the sender' : `: ${where}`}`,
  })
  // A bare token says nothing of the body.
  if (kind === 'token') return [unknown]
  const why = refusal.evidence?.why
  const other = signs && otherUrl(request, signs)
  // The signature holds: its digest is of another URL.
  if (other && typeof why === 'string' && /not the hash of the public URL/.test(why))
    return [likely({ ...other, because: `${why}: ${other.because}` })]
  const proxied = isProxied(request)
  const elsewhere = other ? [possible(other)] : []
  // What stands between may have changed the URL; where nothing does, the sender was given the one that was called.
  const unknowns = proxied ? [...elsewhere, unknown] : [unknown, ...elsewhere]
  const lost = lostOf(request)
  if (lost) return [lost, ...unknowns]
  const digest = typeof why === 'string' && /not the hash of the body/.test(why) ? why : undefined
  const changed = (digest === undefined ? possible : likely)({
    cause: 'signature.body-changed',
    because: `${digest === undefined ? '' : `${digest}: `}the body was changed on the way in a manner that can't be undone${proxied ? ' (it came through a proxy)' : ''}`,
    mend: "compare the body's length and digest at the sender and here; let what stands between pass its bytes on",
  })
  return digest === undefined ? [...rewritten(request.raw), ...unknowns, changed] : [changed]
}

/** Of a body that did not come whole. */
function lostOf({ raw, method, mediaType }: Explaining<unknown>['request']): Finding | undefined {
  if (raw.length === 0 && method !== 'GET' && method !== 'HEAD')
    return likely({
      cause: 'signature.body-missing',
      because: 'the request is signed and has no body: something on the way took it off',
      mend: 'let proxies pass the body on (nginx: proxy_pass_request_body), and redirect with 307 or 308, which keep it',
    })
  const text = raw.toString('utf8', 0, 64).trimStart()
  const isJson = /\bjson$/.test(mediaType?.essence ?? '') && /^[{[]/.test(text)
  const fault = isJson ? checkJson(raw, true) : undefined
  if (fault?.kind !== 'syntax' || fault.offset < raw.toString('latin1').trimEnd().length) return undefined
  return likely({
    cause: 'signature.body-truncated',
    because: `the body breaks off: its JSON has no end after ${raw.length} bytes`,
    evidence: { 'bytes-received': raw.length },
    mend: 'look for what cuts it between sender and gate: a column of fixed length, a limit of a queue, a wrong Content-Length',
  })
}

/** Of JSON that looks as if a program had read and written it, in an order that can't be undone. */
function rewritten(raw: Buffer): readonly Finding[] {
  const tree = raw.length <= MOST_READ ? readTree(raw) : undefined
  const members = tree === undefined ? 0 : sortedMembers(tree)
  if (members < NO_CHANCE) return []
  return [
    possible({
      cause: 'signature.body-sorted',
      because: `all ${members} members of the JSON stand in the order of their names, as a program between sender and gate leaves them that reads JSON and writes it anew; in which order they were signed can't be told`,
      evidence: { members },
      mend: 'let what stands between pass the bytes on as they are; if the sender itself sorts them, its secret is another',
    }),
  ]
}
