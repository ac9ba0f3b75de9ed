import type { Explaining } from '../../core/captured.ts'
import type { Finding } from '../../core/finding.ts'
import type { BodyRequest } from '../../core/request.ts'
import type { Resources } from '../../core/resources.ts'
import { bodyVariants } from '../../signing/near-miss/body-variants.ts'
import { Budget } from '../../signing/near-miss/budget.ts'
import { urlVariants } from '../../signing/near-miss/url-variants.ts'
import { varied } from '../../signing/near-miss/varied.ts'
import { messageVerifier } from '../message-signature.ts'
import type { MessageSignatureConfig } from '../message-signature-config.ts'
import type { SignatureConfig } from '../signature-config.ts'
import { ago, likely, listed, possible, proven } from './finding.ts'
import { attempt } from './signature-keys.ts'
import { isProxied, otherUrl, type SignedPart } from './signature-url.ts'

/** Long enough for any clock and any event. */
const ALWAYS_MS = 100 * 365 * 86_400_000

/** Near misses of an HTTP message signature (RFC 9421): keys of other routes, keyids, URLs, the body behind its digest. */
export function explainMessageSignature(
  config: MessageSignatureConfig,
  { request, refusal, cut, elsewhere }: Explaining<SignatureConfig>,
  resources: Resources,
): readonly Finding[] {
  const { code, evidence = {} } = refusal
  const timeless: MessageSignatureConfig = { ...config, 'max-age': ALWAYS_MS, skew: ALWAYS_MS }
  const budget = new Budget(500)
  // Where its moment is past, it is asked as of that moment: an end that it names itself was still to come.
  const pastS =
    code === 'signature.expired' ? Number(evidence['timestamp-skew-s'] ?? evidence['expired-for-s'] ?? 0) : 0
  const nowMs = request.receivedAt - pastS * 1000
  const holds = (given: MessageSignatureConfig, from: Resources, one: BodyRequest, anySalt = false): boolean => {
    if (!budget.take(one.raw.length)) return false
    return attempt(() => messageVerifier(given, from, { anySalt }).verifier.verify(one, nowMs))?.ok === true
  }
  const findings: Finding[] = []
  const add = (cause: string, because: string, mend: string, evidence?: Finding['evidence']): void => {
    findings.push(proven({ cause: `signature.${cause}`, because, mend, ...(evidence ? { evidence } : {}) }))
  }
  if (cut) return told(code, evidence, request)
  const now = varied(request, {})
  if (holds(timeless, resources, now)) {
    const skew = evidence['timestamp-skew-s'] ?? evidence['expired-for-s']
    if (code === 'signature.expired' && typeof skew === 'number')
      add(
        skew < 0 ? 'clock-ahead' : 'clock-behind',
        skew < 0
          ? `the signature holds, and the sender's clock is ${ago(skew * 1000)} ahead of the gate's`
          : `the signature holds, and was created ${ago(skew * 1000)} before it came: an old request sent again, or a clock that is off`,
        'set both clocks by NTP; a request that is sent again is to be signed again',
        { 'timestamp-skew-s': skew },
      )
    else
      findings.push(
        proven({
          level: 'ok',
          cause: 'signature.verifies-now',
          because: 'it holds now: the key or the config has changed since the request came',
          mend: 'send the request again',
        }),
      )
    return findings
  }
  const ids: MessageSignatureConfig['keys'] = config.keys?.map(key => ({ ...key, id: undefined }))
  const secretIds: MessageSignatureConfig['secrets'] = config.secrets?.map(key => ({ ...key, id: undefined }))
  if (
    holds({ ...timeless, ...(ids ? { keys: ids } : {}), ...(secretIds ? { secrets: secretIds } : {}) }, resources, now)
  )
    add(
      'keyid',
      'it holds under a key of this route, and names another keyid than the config gives that key',
      'set the id of the key to the keyid that the evidence names, or leave id out',
      'keyid' in evidence ? { keyid: evidence.keyid ?? null } : undefined,
    )
  if (
    holds(
      { ...timeless, keys: withoutEnd(config.keys), secrets: withoutEnd(config.secrets) } as MessageSignatureConfig,
      resources,
      now,
    )
  )
    add(
      'key-expired',
      'it holds under a key whose end has passed',
      'let the sender use the current key, or move the end',
    )
  if (code === 'signature.mismatch' && holds(timeless, resources, now, true))
    add(
      'salt-length',
      'it holds, and its RSASSA-PSS salt is not 64 bytes long as RFC 9421 section 3.3.1 has it',
      'let the sender sign with a salt of 64 bytes (in Node saltLength: 64, which http-message-signatures leaves out), or with ed25519',
    )
  if (code === 'signature.incomplete' && holds({ ...timeless, require: [] }, resources, now))
    add(
      'components',
      `the signature holds, and leaves out ${covering(evidence)}`,
      'let the sender cover it too; or, where it does not matter here, write require without it',
      evidence,
    )
  if (code === 'signature.missing' && holds({ ...timeless, label: undefined, tag: undefined }, resources, now))
    add(
      'label',
      'a signature of the request holds, under another label or tag than the route looks at',
      'set label and tag to those of the sender, or leave them out',
      evidence,
    )
  for (const { route, config: other, resources: theirs } of elsewhere) {
    if (!('scheme' in other) || other.scheme !== 'http-message-signature') continue
    const keys = {
      ...timeless,
      algorithm: other.algorithm,
      keys: other.keys,
      secrets: other.secrets,
      'key-form': other['key-form'],
    }
    if (holds(keys, theirs, now))
      add(
        'other-route-key',
        `it holds under a key of the route ${route}`,
        `add that key to this route, or mend the URL: the request may be meant for ${route}`,
        { route },
      )
  }
  if (findings.length > 0) return findings
  for (const { value, differs } of urlVariants(request)) {
    const [differing] = differs
    const url = URL.parse(value)
    if (differing === undefined || url === null) continue
    const one = varied(now, {
      publicUrl: value,
      encrypted: url.protocol === 'https:',
      authority: url.host,
      host: url.hostname,
      path: url.pathname,
      query: url.search.slice(1),
      target: url.pathname + url.search,
    })
    if (!holds(timeless, resources, one)) continue
    add(differing.cause, `it holds ${differing.phrase}`, differing.mend, differing.evidence)
    return findings
  }
  for (const { value, differs } of bodyVariants(request, budget)) {
    const [differing] = differs
    if (differing === undefined || !holds(timeless, resources, varied(now, { raw: value }))) continue
    add(differing.cause, `its digest is ${differing.phrase}`, differing.mend, differing.evidence)
    return findings
  }
  return told(code, evidence, request)
}

const withoutEnd = <Key extends object>(keys: readonly Key[] | undefined): readonly Key[] | undefined =>
  keys?.map(key => ({ ...key, expires: undefined }))

function covering(evidence: Readonly<Record<string, unknown>>): string {
  const value = Object.values(evidence).find(Array.isArray) as readonly unknown[] | undefined
  return value === undefined ? 'what the route requires' : listed(value.map(String))
}

/** Nothing matched: what the refusal's own evidence says. */
function told(code: string, evidence: Readonly<Record<string, unknown>>, request: BodyRequest): readonly Finding[] {
  if (code === 'signature.mismatch' && typeof evidence.why === 'string' && evidence.why.includes('keyid'))
    return [
      likely({
        cause: 'signature.keyid-unknown',
        because: 'no key of this route has the keyid that the signature names',
        evidence: { keyid: String(evidence.keyid ?? '') },
        mend: "add the sender's key under that id, or compare the keyids in the evidence",
      }),
    ]
  if (evidence.header === 'Content-Digest' && code === 'signature.mismatch')
    return [
      likely({
        cause: 'signature.body-changed',
        because: 'the signature holds for the head, and the body is not the one that its digest is of',
        mend: 'something on the way changes the body: let it pass the bytes on as they are',
      }),
    ]
  if (code !== 'signature.mismatch') return []
  const part = coveredPart(request)
  const url = part ? [possible(otherUrl(request, part))] : []
  const key = possible({
    cause: 'signature.unknown-key',
    because: 'no variation holds: the sender signs with another key',
    mend: "compare the sender's public key with the one that the config names",
  })
  return [
    ...(isProxied(request) ? [...url, key] : [key, ...url]),
    possible({
      cause: 'signature.head-changed',
      because: 'a covered field was changed on the way',
      mend: 'compare the fields that the signature covers with what the sender sent; let proxies leave them alone',
    }),
  ]
}

/** What of the URL the signatures of a request cover (RFC 9421 section 2.2). */
function coveredPart({ headers }: BodyRequest): SignedPart | undefined {
  const inputs = headers.all('signature-input').join()
  if (/"@(?:target-uri|authority|scheme)"/.test(inputs)) return 'url'
  return /"@(?:path|request-target)"/.test(inputs) ? 'path' : undefined
}
