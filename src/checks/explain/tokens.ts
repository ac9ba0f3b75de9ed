import { hash } from 'node:crypto'
import type { Explaining } from '../../core/captured.ts'
import type { Check } from '../../core/check.ts'
import type { Evidence } from '../../core/decision.ts'
import type { Finding } from '../../core/finding.ts'
import { isOneStepAway } from '../../core/one-step-away.ts'
import { isPlaceholder } from '../../core/placeholder.ts'
import type { BodyRequest } from '../../core/request.ts'
import type { Resources } from '../../core/resources.ts'
import type { NamedToken } from '../known-tokens.ts'
import { AskAgain, asOf } from './ask-again.ts'
import { emptyToken } from './empty-token.ts'
import { ago, likely, possible, proven } from './finding.ts'
import { nearSecret } from './near-secret.ts'
import { OF_SCHEME, tokenTexts, withToken } from './token-texts.ts'

/** A check whose tokens the config names. */
export interface TokenCheck<Config> {
  /** The check's name: what causes begin with. */
  readonly name: string
  /** `token`, or what the check calls it. */
  readonly word: string
  create(config: Config, resources: Resources): Check<'head', string>
  /** Lower case. */
  headerOf(config: Config): string
  queryOf?(config: Config): string | undefined
  tokensOf(config: Config): readonly NamedToken[]
}

/** Near misses of a token: every other reading of the request is put to the check itself, and to those of other routes. */
export async function explainToken<Config>(
  kind: TokenCheck<Config>,
  config: Config,
  { request, refusal, elsewhere }: Explaining<Config>,
  resources: Resources,
): Promise<readonly Finding[]> {
  const reason = refusal.code.slice(kind.name.length + 1)
  const evidence = refusal.evidence ?? {}
  if (reason === 'expired') return [expiredFinding(kind, config, evidence, request)]
  if (reason === 'scope') return [scopeFinding(kind, config, evidence)]
  const header = kind.headerOf(config)
  const own = new AskAgain(() => kind.create(config, asOf(resources, request.receivedAt)))
  const others = elsewhere.map(({ route, config: theirs, resources: world }) => ({
    route,
    header: kind.headerOf(theirs),
    asks: new AskAgain(() => kind.create(theirs, asOf(world, request.receivedAt))),
  }))
  try {
    for (const { token, differs } of tokenTexts(request, header, kind.queryOf?.(config))) {
      const decision = await own.ask(withToken(request, header, token))
      const known = decision?.ok === true || (decision?.ok === false && /\.(expired|scope)$/.test(decision.code))
      if (known && differs) return [proven({ ...differs, cause: `${kind.name}.${differs.cause}` })]
      if (known)
        return [
          proven({
            level: 'ok',
            cause: `${kind.name}.known-now`,
            because: `the ${kind.word} is known now: the config has changed since the request came`,
            mend: 'send the request again',
          }),
        ]
    }
    for (const { token } of tokenTexts(request, header))
      for (const other of others) {
        const decision = await other.asks.ask(withToken(request, other.header, token))
        const name =
          decision?.ok === true
            ? decision.facts?.keyName
            : decision?.ok === false
              ? named(decision.evidence)
              : undefined
        if (name === undefined) continue
        return [
          proven({
            cause: `${kind.name}.other-route`,
            because: `it is the ${kind.word} "${name}" of the route ${other.route}`,
            evidence: { route: other.route, [kind.word]: name },
            mend: `give the sender a ${kind.word} of this route, or mend its URL: the request may be meant for ${other.route}`,
          }),
        ]
      }
  } finally {
    own.close()
    for (const { asks } of others) asks.close()
  }
  return unknownFindings(kind, config, request, reason, resources)
}

const named = (evidence: Evidence | undefined): string | undefined => {
  const name = evidence?.token ?? evidence?.key
  return typeof name === 'string' ? name : undefined
}

function expiredFinding<Config>(
  kind: TokenCheck<Config>,
  config: Config,
  evidence: Evidence,
  request: BodyRequest,
): Finding {
  const name = named(evidence) ?? ''
  const at = Date.parse(String(evidence.expired))
  const newer = kind
    .tokensOf(config)
    .some(each => each.name === name && (each.expires ?? Infinity) > request.receivedAt)
  return proven({
    cause: `${kind.name}.expired`,
    because: `the ${kind.word} "${name}" expired ${ago(request.receivedAt - at)} ago${newer ? `, and the sender still uses it although there is a newer one of that name` : ''}`,
    evidence: { [kind.word]: name, expired: new Date(at).toISOString() },
    mend: newer
      ? `give the sender the newer ${kind.word}, and take the old one out`
      : `make a new ${kind.word} "${name}", add it beside this one, give it to the sender, then remove the old one`,
  })
}

function scopeFinding<Config>(kind: TokenCheck<Config>, config: Config, evidence: Evidence): Finding {
  const lacks = String(evidence.lacks)
  const holders = kind
    .tokensOf(config)
    .filter(({ scopes }) => scopes?.includes(lacks))
    .map(({ name }) => name)
  const near = Array.isArray(evidence.has)
    ? evidence.has.find(has => typeof has === 'string' && isOneStepAway(has.toLowerCase(), lacks.toLowerCase()))
    : undefined
  return proven({
    cause: near === undefined ? `${kind.name}.scope` : `${kind.name}.scope-mistyped`,
    because: `the ${kind.word} "${named(evidence) ?? ''}" lacks the scope ${lacks}${near === undefined ? '' : `, and has ${String(near)}`}`,
    evidence: {
      lacks,
      ...(evidence.has === undefined ? {} : { has: evidence.has }),
      ...(holders.length > 0 ? { 'held-by': holders } : {}),
    },
    mend:
      near === undefined
        ? `add ${lacks} to the scopes of this ${kind.word} if its owner may do this; else give the sender the right ${kind.word}`
        : `write the scope as ${lacks}`,
  })
}

const MASKED = /[*•●]{3,}|\.{3,}|…/u

/** Of a token that no reading makes a known one. */
function unknownFindings<Config>(
  kind: TokenCheck<Config>,
  config: Config,
  request: BodyRequest,
  reason: string,
  resources: Resources,
): readonly Finding[] {
  const header = kind.headerOf(config)
  const empty = emptyToken(kind.name, request, header, kind.word)
  if (empty) return [empty]
  const [first] = [...tokenTexts(request, header)].filter(
    ({ differs }) => differs === undefined || OF_SCHEME.has(differs.cause),
  )
  const token = first?.token ?? ''
  const shown = header === 'authorization' ? 'Authorization' : header
  if (reason === 'missing' && token === '')
    return [
      possible({
        cause: `${kind.name}.not-sent`,
        because: `there is no ${shown} header, and no known ${kind.word} elsewhere in the request: none is set in the sender`,
        mend: `set the ${kind.word} in the sender`,
      }),
      possible({
        cause: `${kind.name}.stripped`,
        because: `something on the way takes ${shown} off, as clients do when they follow a redirect to another host`,
        mend: 'enter the final URL in the sender, and let proxies pass the header on',
      }),
    ]
  if (isPlaceholder(token) || token.toLowerCase() === kind.word || token === 'token')
    return [
      proven({
        cause: `${kind.name}.placeholder`,
        because: `what was sent is a placeholder, not a ${kind.word}: a variable that was not filled in`,
        mend: `set the variable in the sender, or enter the ${kind.word} itself`,
      }),
    ]
  if (MASKED.test(token))
    return [
      proven({
        cause: `${kind.name}.masked`,
        because: `what was sent is a ${kind.word} as pages show it, some of its characters hidden`,
        mend: `copy the ${kind.word} where it is shown whole, or make a new one: many services show it once`,
      }),
    ]
  const near = nearKnown(kind, config, token, resources)
  if (near) return [near]
  if (/^eyJ[\w-]+\.[\w-]+\.[\w-]*$/.test(token) && kind.name !== 'jwt')
    return [
      likely({
        cause: `${kind.name}.is-jwt`,
        because: 'what was sent is a JSON Web Token, and the route compares fixed tokens',
        mend: 'check it with jwt (or introspection) on this route, or give the sender one of the tokens',
      }),
    ]
  if (first?.differs)
    return [
      likely({
        ...first.differs,
        because: `${first.differs.because}; it is none of the known either`,
        cause: `${kind.name}.${first.differs.cause}`,
      }),
    ]
  return [
    possible({
      cause: `${kind.name}.other-${kind.word}`,
      because: `it is another ${kind.word}: an old one that was taken out of the config, or one of another system`,
      evidence: { length: token.length },
      mend: `compare the ${kind.word} in the sender with the variable or file that the config names`,
    }),
  ]
}

/** Characters: of MD5 in base64. */
const SHORTEST_HASH = 24
const HASHES = ['sha256', 'sha1', 'md5', 'sha512'] as const

/** A known one that was cut, continued, mistyped or hashed. */
function nearKnown<Config>(
  kind: TokenCheck<Config>,
  config: Config,
  token: string,
  resources: Resources,
): Finding | undefined {
  if (token.length < 8) return undefined
  for (const { name, ref } of kind.tokensOf(config)) {
    let known: string
    try {
      known = resources.secret(ref).text()
    } catch {
      continue
    }
    const hashed =
      token.length < SHORTEST_HASH
        ? undefined
        : HASHES.find(name => [hash(name, known, 'hex'), hash(name, known, 'base64')].includes(token))
    if (hashed !== undefined)
      return proven({
        cause: `${kind.name}.hashed`,
        because: `it is the ${hashed.toUpperCase()} hash of the ${kind.word} "${name}", not the ${kind.word}`,
        evidence: { [kind.word]: name },
        mend: `give the sender the ${kind.word} itself; the hash belongs into a tokens-file of the gate`,
      })
    const near = nearSecret(known, token)
    if (near)
      return proven({
        cause: `${kind.name}.${near.cause}`,
        because: `it is the ${kind.word} "${name}" ${near.because}`,
        evidence: { [kind.word]: name },
        mend: `copy the ${kind.word} again, whole, into the sender`,
      })
  }
  return undefined
}
