import type { Explaining } from '../../core/captured.ts'
import type { Finding } from '../../core/finding.ts'
import { Headers } from '../../core/headers.ts'
import type { BodyRequest } from '../../core/request.ts'
import type { Resources } from '../../core/resources.ts'
import type { HmacDescription } from '../../signing/hmac.ts'
import { providerOf } from '../../signing/index.ts'
import { MAC_BYTES } from '../../signing/mac.ts'
import { Budget } from '../../signing/near-miss/budget.ts'
import type { Variant } from '../../signing/near-miss/difference.ts'
import { type Explanation, searchHmac } from '../../signing/near-miss/hmac-search.ts'
import { searchKeys } from '../../signing/near-miss/key-search.ts'
import { otherProviders } from '../../signing/near-miss/other-providers.ts'
import { varied } from '../../signing/near-miss/varied.ts'
import { searchByVerifier } from '../../signing/near-miss/verifier-search.ts'
import type { Description, Scheme, SigningKey } from '../../signing/scheme.ts'
import type { SignatureConfig } from '../signature-config.ts'
import type { PresetConfig } from '../signature-preset.ts'
import { type Chosen, chooseScheme, compile } from '../signature-scheme.ts'
import type { SpelledOutConfig } from '../signature-spelled.ts'
import { likely, listed, proven } from './finding.ts'
import { explainMessageSignature } from './message-signature.ts'
import { absentFindings } from './signature-absent.ts'
import { clockFindings, unreadTimeFinding } from './signature-clock.ts'
import { allKeys, attempt, heldSecrets, macKeys, publicKeys, verifyingKeys } from './signature-keys.ts'
import { asProvider } from './signature-provider.ts'
import { remaining } from './signature-remaining.ts'
import { tokenFindings } from './signature-token.ts'
import { UNTRIED } from './signature-untried.ts'
import { signedPart } from './signature-url.ts'

/** A shorter one stands in many a text. */
const SHORTEST_SECRET = 8
/** A tolerance that no clock and no event passes. */
const ALWAYS_MS = Number.MAX_SAFE_INTEGER

type Asked = Explaining<SignatureConfig>
type Written = PresetConfig | SpelledOutConfig

/** Near misses of a signature: what is said to match was computed, and matches. */
export async function explainSignature(
  config: SignatureConfig,
  asked: Asked,
  resources: Resources,
): Promise<readonly Finding[]> {
  if ('scheme' in config && config.scheme === 'http-message-signature')
    return explainMessageSignature(config, asked, resources)
  return new SignatureCase(config, asked, resources).findings()
}

/** One refused request of one route. */
class SignatureCase {
  readonly #config: Written
  readonly #asked: Asked
  readonly #resources: Resources
  readonly #chosen: Chosen
  readonly #budget = new Budget()

  constructor(config: Written, asked: Asked, resources: Resources) {
    this.#config = config
    this.#asked = asked
    this.#resources = resources
    this.#chosen = chooseScheme(config)
  }

  /** Of a preset, which has no settings for how the service signs. */
  get #service(): string | undefined {
    return 'provider' in this.#config ? providerOf(this.#chosen.principal)?.name : undefined
  }

  async findings(): Promise<readonly Finding[]> {
    const { cut, masked, refusal } = this.#asked
    const { code } = refusal
    if (code === 'signature.unavailable') return []
    if (masked && code !== 'signature.missing') return [UNTRIED.masked]
    const twice = cut ? [] : this.#sentTwice()
    if (twice.length > 0) return twice
    const now = cut ? undefined : this.#asItStands()
    if (now !== undefined) return now
    const token = this.#asToken()
    if (token.length > 0) return token
    const given = this.#secretSent()
    if (given) return [given]
    const other = cut ? [] : this.#otherRoute()
    const others = otherProviders(
      this.#asked.request,
      this.#chosen.scheme,
      this.#chosen.principal,
      cut ? [] : heldSecrets(this.#config, this.#resources).map(({ secret }) => secret),
      this.#resources,
      this.#budget,
    )
    const explanations = await this.#search()
    const providers = asProvider(others)
    // The secret of another route is no news beside that the whole request is that route's.
    const found = explanations
      .filter(each => other.length === 0 || each.every(({ cause }) => !cause.startsWith('other-route-')))
      .map(explanation => this.#matching(explanation))
    if (found.length > 0 && explanations.some(isPlainer))
      return [...found, ...other, ...providers.map(each => ({ ...each, certainty: 'possible' as const }))]
    if (other.length + providers.length > 0) return [...other, ...providers]
    if (found.length > 0) return found
    if (code === 'signature.missing')
      return absentFindings(this.#asked, this.#chosen.scheme, providerOf(this.#chosen.principal), others)
    return this.#unproven(others.map(({ provider }) => provider.name))
  }

  /** The scheme's own answer under these keys, whatever the time. */
  #verifies(request: BodyRequest, keys: readonly SigningKey[], scheme: Scheme = this.#chosen.scheme): boolean {
    const verdict = attempt(() => scheme.verifier(keys, ALWAYS_MS, this.#resources).verify(request, request.receivedAt))
    if (!(verdict instanceof Promise)) return verdict?.ok === true
    verdict.catch(() => {})
    return false
  }

  /** It holds under a key of this route, apart from time; `undefined` where it does not. */
  #asItStands(): readonly Finding[] | undefined {
    const { request, refusal } = this.#asked
    const keys = allKeys(this.#config, this.#chosen.readers, this.#resources)
    if (keys.length === 0) return undefined
    if (this.#verifies(request, keys)) {
      const skew = refusal.evidence?.['timestamp-skew-s']
      const tolerance = refusal.evidence?.['tolerance-s']
      if (refusal.code === 'signature.expired' && typeof skew === 'number')
        return clockFindings(this.#asked, skew, typeof tolerance === 'number' ? tolerance : 0, this.#service)
      return [
        proven({
          level: 'ok',
          cause: 'signature.verifies-now',
          because: 'it matches now: the secret or the config has changed since the request came',
          mend: 'send the request again',
        }),
      ]
    }
    for (const key of keys) {
      if (key.expires === undefined || key.expires >= request.receivedAt) continue
      if (!this.#verifies(request, [{ ...key, expires: undefined }])) continue
      const word = key.publicKey ? 'key' : 'secret'
      const at = new Date(key.expires).toISOString()
      return [
        proven({
          cause: `signature.${word}-expired`,
          because: `it matches under the ${word} "${key.name}", whose end was ${at}`,
          evidence: { [word]: key.name, expired: at },
          mend: `let the sender use the current ${word}; if it needs more time, move the end of "${key.name}"`,
        }),
      ]
    }
    return undefined
  }

  /** Where the scheme is a bare token. */
  #asToken(): readonly Finding[] {
    const { kind, headers } = this.#chosen.scheme
    const [header] = headers
    if (kind !== 'token' || header === undefined) return []
    const keys = allKeys(this.#config, this.#chosen.readers, this.#resources)
    const secrets = heldSecrets(this.#config, this.#resources)
    return tokenFindings(this.#asked, header, secrets, request => this.#verifies(request, keys))
  }

  /** The secret itself where the signature belongs. */
  #secretSent(): Finding | undefined {
    const { kind, headers } = this.#chosen.scheme
    if (kind === 'token') return undefined
    const { request } = this.#asked
    for (const { name, secret } of heldSecrets(this.#config, this.#resources))
      for (const header of headers)
        for (const value of request.headers.all(header.toLowerCase()))
          if (secret.text().length >= SHORTEST_SECRET && value.includes(secret.text()))
            return proven({
              cause: 'signature.secret-sent',
              because: `${header} holds the secret "${name}" itself, and no signature made with it`,
              evidence: { secret: name },
              mend: 'let the sender compute the HMAC of what it sends; and make a new secret, as this one was sent about',
            })
    return undefined
  }

  /** A header that came more than once, where one of its values holds. */
  #sentTwice(): readonly Finding[] {
    const { request } = this.#asked
    const keys = allKeys(this.#config, this.#chosen.readers, this.#resources)
    for (const header of this.#chosen.scheme.headers) {
      const fields = request.headers.all(header.toLowerCase())
      // Proxies join fields of one name by a comma (RFC 9110 section 5.3).
      const values = fields.length === 1 ? (fields[0] ?? '').split(/\s*,\s*/) : fields
      if (values.length < 2) continue
      for (const value of new Set(values.slice(0, 4))) {
        const raw: string[] = []
        for (let at = 0; at < request.headers.size; at++)
          if (request.headers.nameAt(at) !== header.toLowerCase())
            raw.push(request.headers.nameAt(at), request.headers.valueAt(at))
        if (!this.#verifies(varied(request, { headers: new Headers([...raw, header, value]) }), keys)) continue
        const same = new Set(values).size === 1
        return [
          proven({
            cause: 'signature.header-twice',
            because: `it matches by one ${header} alone, and the header came ${values.length} times${fields.length === 1 ? ', joined by a comma' : ''}${same ? ' with one value' : ''}`,
            mend: `a proxy adds ${header} where it is already: let it set the field (or leave it alone), not add to it`,
          }),
        ]
      }
    }
    return []
  }

  /** The request is as another route wants it. */
  #otherRoute(): readonly Finding[] {
    const { request, elsewhere } = this.#asked
    return elsewhere.flatMap(({ route, config, resources }) => {
      if (sameScheme(config, this.#config)) return []
      const holds = attempt(() => {
        const verdict = compile(config, resources).verifier.verify(request, request.receivedAt)
        if (verdict instanceof Promise) verdict.catch(() => {})
        return !(verdict instanceof Promise) && verdict.ok
      })
      if (holds !== true || !this.#budget.take(request.raw.length)) return []
      return [
        proven({
          cause: 'signature.other-route',
          because: `it is signed as the route ${route} expects it`,
          evidence: { route },
          mend: `mend the URL in the sender: this request belongs to ${route}`,
        }),
      ]
    })
  }

  async #search(): Promise<readonly Explanation[]> {
    const { request, cut, elsewhere } = this.#asked
    const { scheme, readers } = this.#chosen
    const { described } = scheme
    const secrets = heldSecrets(this.#config, this.#resources)
    const macs = (): readonly Variant<Buffer>[] =>
      macKeys(secrets, readers, elsewhere, request.receivedAt, providerOf(this.#chosen.principal)?.id)
    if (described === undefined || described.length === 0) {
      if (cut) return []
      const keys = [
        ...(this.#config.secrets ? macs() : []).map(({ value, differs }) => ({ value: secretKey(value), differs })),
        ...(this.#config.keys ? verifyingKeys(this.#config, readers, elsewhere, this.#resources) : []),
      ]
      return await searchByVerifier(request, (one, key) => this.#verifies(one, [key]), keys, cut, this.#budget)
    }
    const { headers } = request
    const isThere = ({ header }: Description): number => (header && headers.has(header.toLowerCase()) ? 0 : 1)
    for (const description of described.toSorted((a, b) => isThere(a) - isThere(b))) {
      const found = isHmac(description)
        ? await searchHmac(request, description, this.#config.secrets ? macs() : [], cut, this.#budget)
        : await searchKeys(
            request,
            description,
            publicKeys(this.#config, readers, elsewhere, this.#resources, request.receivedAt),
            cut,
            this.#budget,
          )
      if (found.length > 0) return found
    }
    return []
  }

  #matching(explanation: Explanation): Finding {
    const [first, ...more] = explanation
    const evidence = Object.assign({}, ...explanation.map(each => each.evidence ?? {}))
    if (first === undefined) return this.#matchesPlainly()
    const unsigned = first.cause === 'body-empty' && more.length === 0 ? this.#bodyUnsigned() : undefined
    if (unsigned) return unsigned
    const phrases = explanation.map(({ phrase }) => phrase)
    const mends = [...new Set([first, ...more].map(({ mend }) => mend))]
    const shared = first.cause.startsWith('secret-') ? this.#sharedWith(evidence.secret) : ''
    return proven({
      cause: `signature.${first.cause}`,
      because: `it matches ${phrases.join(', and ')}`,
      evidence: more.length > 0 ? { ...evidence, also: more.map(({ cause }) => cause) } : evidence,
      mend: `${mends.join('; ')}${shared}`,
    })
  }

  /** Its MAC is right, and something else of it is not as the scheme has it: the refusal says what. */
  #matchesPlainly(): Finding {
    const { evidence } = this.#asked.refusal
    const why = typeof evidence?.why === 'string' ? evidence.why : undefined
    const form = this.#chosen.scheme.described?.find(({ timestamp }) => timestamp !== undefined)
    const unread = unreadTimeFinding(this.#asked, form, this.#service)
    if (unread) return unread
    return proven({
      cause: 'signature.beside',
      because: `the signature itself matches, and ${why ?? 'something beside it is not as the scheme has it'}`,
      ...(evidence === undefined ? {} : { evidence }),
      mend: 'the secret is right: mend what the evidence names in the sender',
    })
  }

  /** The sender signs without its body, in a way that the scheme refuses of any body like it. */
  #bodyUnsigned(): Finding | undefined {
    const { code, evidence: { why, header, field } = {} } = this.#asked.refusal
    if (code !== 'signature.malformed' || typeof why !== 'string' || header !== undefined || field !== undefined) return
    const { principal } = this.#chosen
    return proven({
      cause: 'signature.body-unsigned',
      because: `it matches without the body, which nobody signed: ${why}`,
      mend: `let the sender bind its body as ${this.#service ?? 'the scheme'} does: "sallyport providers ${principal}" tells how`,
    })
  }

  /** Other routes that use the same secret, which a mend concerns as well. */
  #sharedWith(name: unknown): string {
    const secrets = this.#config.secrets ?? []
    const ours = new Set(
      secrets
        .filter((each, index) => (each.name ?? (index === 0 ? 'current' : '')) === name)
        .map(({ ref }) => String(ref)),
    )
    const routes = this.#asked.elsewhere
      .filter(({ config }) => (config.secrets ?? []).some(({ ref }) => ours.has(String(ref))))
      .map(({ route }) => route)
    return routes.length === 0 ? '' : `. ${listed(routes)} ${routes.length === 1 ? 'uses' : 'use'} the same one`
  }

  /** Nothing matched: what the signature's form tells, and what remains. */
  #unproven(others: readonly string[]): readonly Finding[] {
    const { cut, refusal, request } = this.#asked
    if (cut) return [UNTRIED.cut]
    const provider = providerOf(this.#chosen.principal)
    const length = this.#wrongLength()
    if (length) return [length]
    const keyed = this.#config.keys !== undefined
    const where = keyed ? provider?.publicKey?.where : provider?.secret?.where
    const findings: Finding[] = []
    if (others.length > 0)
      findings.push(
        likely({
          cause: 'signature.other-provider',
          because: `the request carries headers of ${listed(others.slice(0, 3))} too`,
          mend: 'is it the right provider for this sender, and the right route for this URL?',
        }),
      )
    if (refusal.code === 'signature.malformed' || refusal.code === 'signature.incomplete') return findings
    // Under a key that has ended nothing is computed.
    const keys = allKeys(this.#config, this.#chosen.readers, this.#resources).map(key => ({
      ...key,
      expires: undefined,
    }))
    return [
      ...findings,
      ...remaining(this.#asked, {
        kind: this.#chosen.scheme.kind,
        keyed,
        where,
        tried: this.#budget.tried,
        signs: signedPart(request, one => this.#verifies(one, keys)),
      }),
    ]
  }

  /** A signature whose length is that of another hash. */
  #wrongLength(): Finding | undefined {
    const { refusal, request } = this.#asked
    const [description] = (this.#chosen.scheme.described ?? []).filter(isHmac)
    if (refusal.code !== 'signature.malformed' || description?.header === undefined) return undefined
    const value = request.headers.one(description.header.toLowerCase()) ?? ''
    const text = value.replace(/^[A-Za-z0-9_-]+=(?=[A-Za-z0-9])/, '')
    const hex = /^[0-9a-f]+$/i.test(text)
    const bytes = hex ? text.length / 2 : Buffer.from(text, 'base64').length
    const hash = Object.entries({ ...MAC_BYTES, md5: 16 }).find(([, length]) => length === bytes)?.[0]
    if (hash === undefined || bytes === MAC_BYTES[description.algorithm] || !/^[A-Za-z0-9+/=_-]+$/.test(text))
      return undefined
    return likely({
      cause: 'signature.digest',
      because: `the signature has ${bytes} bytes, as ${hash} has, and not ${MAC_BYTES[description.algorithm]}, as ${description.algorithm} has`,
      evidence: { bytes, expected: MAC_BYTES[description.algorithm] },
      mend: `set the sender to ${description.algorithm}; that the secret is right as well could not be shown`,
    })
  }
}

/** Whether this says more than that the request matches whole as another route or another provider has it. */
function isPlainer(explanation: Explanation): boolean {
  const causes = explanation.map(({ cause }) => cause)
  const isWritten = (cause: string): boolean => WRITTEN.has(cause)
  const core = causes.filter(cause => !isWritten(cause))
  return core.length <= 1 && (!causes.includes('place') || core[0] === 'digest')
}

/** How a signature is written, beside what it is over. */
const WRITTEN: ReadonlySet<string> = new Set(['place', 'encoding', 'prefix', 'quotes', 'blank'])

const secretKey = (bytes: Buffer): SigningKey => ({ name: 'tried', bytes, expires: undefined })

function isHmac(description: Description): description is HmacDescription {
  return Object.hasOwn(MAC_BYTES, description.algorithm)
}

function sameScheme(one: SignatureConfig, other: SignatureConfig): boolean {
  const plain = (config: SignatureConfig): string =>
    JSON.stringify({ ...config, secrets: undefined, keys: undefined, tolerance: undefined })
  return plain(one) === plain(other)
}
