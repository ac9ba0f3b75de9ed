import type { Explaining } from '../../core/captured.ts'
import type { Finding } from '../../core/finding.ts'
import type { BodyRequest } from '../../core/request.ts'
import type { Resources } from '../../core/resources.ts'
import { readJsonObject } from '../../signing/jws.ts'
import { HMAC_ALGORITHMS, PUBLIC_KEY_ALGORITHMS } from '../../signing/jws-keys.ts'
import { jwt } from '../jwt.ts'
import { type JwtConfig, SECRET_ENCODINGS } from '../jwt-config.ts'
import { AskAgain, asOf } from './ask-again.ts'
import { claimFindings } from './claims.ts'
import { emptyToken } from './empty-token.ts'
import { likely, listed, possible, proven } from './finding.ts'
import { jwtSecretFinding } from './jwt-secret.ts'
import { OF_SCHEME, tokenTexts, withToken } from './token-texts.ts'

/** What an unverified token says of itself. */
interface Said {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
}

/** A setting that is loosened to see whether the token holds but for it. */
type Loosened = readonly [cause: string, because: string, mend: string, config: JwtConfig]

/** Near misses of a JSON Web Token: other readings of the request, and the token with one rule of the route loosened. */
export async function explainJwt(
  config: JwtConfig,
  asked: Explaining<JwtConfig>,
  resources: Resources,
): Promise<readonly Finding[]> {
  const { request, refusal, elsewhere } = asked
  const evidence = refusal.evidence ?? {}
  if (refusal.code === 'jwt.unavailable') return []
  const header = config.header.toLowerCase()
  const holds = async (given: JwtConfig, one: BodyRequest, world = resources): Promise<boolean> => {
    const again = new AskAgain(() => jwt.create(given, asOf(world, request.receivedAt)))
    try {
      return await again.admits(one)
    } finally {
      again.close()
    }
  }
  if (/^jwt\.(missing|malformed|signature)$/.test(refusal.code))
    for (const { token, differs } of tokenTexts(request, header))
      if (differs && token.split('.').length === 3 && (await holds(config, withToken(request, header, token))))
        return [proven({ ...differs, cause: `jwt.${differs.cause}` })]
  const said = saidOf(request, header)
  if (said?.header.alg === 'none')
    return [
      proven({
        cause: 'jwt.unsigned',
        because: 'its algorithm is none: nobody has signed it, and anybody could have written it',
        mend: "have the sender send the issuer's token as it was made; if nobody knows of such a sender, it is a forger",
      }),
    ]
  if (said === undefined || refusal.code === 'jwt.missing') return noToken(refusal.code, request, header, config)
  for (const [cause, because, mend, loosened] of looser(config, said))
    if (await holds(loosened, request)) return [proven({ cause: `jwt.${cause}`, because, mend, evidence })]
  // What ended, or lacks a scope, is this route's: another that asks for less says nothing of it.
  const own = /^jwt\.(expired|not-yet|scope|bound)$/.test(refusal.code)
  for (const { route, config: theirs, resources: world } of own ? [] : elsewhere)
    if (await holds(theirs, request, world))
      return [
        proven({
          cause: 'jwt.other-route',
          because: `the route ${route} admits this token`,
          evidence: { route },
          mend: `mend the URL in the sender if the request is meant for ${route}; else have the issuer make a token for this route`,
        }),
      ]
  const secret = refusal.code === 'jwt.signature' ? jwtSecretFinding(config, asked, resources) : undefined
  return secret ? [secret] : unproven(refusal.code, evidence, said, config, asked)
}

function saidOf(request: BodyRequest, header: string): Said | undefined {
  const value = request.headers.all(header)[0] ?? ''
  const [head = '', payload = '', ...rest] = value.replace(/^bearer /i, '').split('.')
  if (rest.length !== 1) return undefined
  const read = (part: string): Readonly<Record<string, unknown>> | undefined =>
    readJsonObject(Buffer.from(part, 'base64url'))
  const [first, second] = [read(head), read(payload)]
  return first && second ? { header: first, claims: second } : undefined
}

/** From the one rule that is loosened to all of those about time and audience. */
function* looser(config: JwtConfig, { header, claims }: Said): Generator<Loosened> {
  for (const encoding of SECRET_ENCODINGS)
    if (config.secrets !== undefined && encoding !== config.encoding)
      yield [
        'secret-encoding',
        `it holds with the secret read as ${encoding}, not as ${config.encoding}`,
        `set encoding: ${encoding}`,
        { ...config, encoding },
      ]
  const alg = KNOWN.find(known => known === header.alg)
  if (alg !== undefined && !config.algorithms.includes(alg) && alg.startsWith('HS') === (config.secrets !== undefined))
    yield [
      'algorithm',
      `it holds with ${alg}, which the route does not list (${config.algorithms.join(', ')})`,
      `add ${alg} to algorithms, if the issuer has changed to it`,
      { ...config, algorithms: [...config.algorithms, alg] },
    ]
  if (typeof header.typ === 'string')
    yield [
      'type',
      `it holds but for its type: typ is ${header.typ.slice(0, 40)}`,
      'have the sender send the access token, not another; or set typ to what the issuer writes',
      { ...config, typ: header.typ },
    ]
  if (typeof claims.iss === 'string' && config.issuer && !config.issuer.includes(claims.iss)) {
    const iss = claims.iss.slice(0, 200)
    const slash = config.issuer.some(one => plain(one) === plain(iss))
    const scheme = config.issuer.some(one => withoutScheme(one) === withoutScheme(iss))
    yield [
      slash ? 'issuer-slash' : scheme ? 'issuer-scheme' : 'issuer',
      slash
        ? 'it holds but for a slash at the end of the issuer, or its case'
        : `it holds but for the issuer that it names, ${iss}${scheme ? ': http is not https' : ''}`,
      `write issuer as the token does: ${iss}`,
      { ...config, issuer: [claims.iss] },
    ]
  }
  if (config.audience) {
    const named = [claims.aud].flat().filter(each => typeof each === 'string')
    const slash = config.audience.some(one => named.some(each => plain(each) === plain(one)))
    // OpenID Connect Core section 2 and 3.1.3.6: what an ID token has, and an access token has not.
    const forLogin = ['nonce', 'at_hash', 'c_hash'].find(name => claims[name] !== undefined)
    if (!named.some(each => config.audience?.includes(each)) && !slash && forLogin !== undefined)
      yield [
        'id-token',
        `it holds, and is an ID token for ${listed(named.slice(0, 4))}: it has ${forLogin}`,
        'have the sender send the access token; an ID token tells an application who logged in, and lets nobody in',
        { ...config, audience: undefined },
      ]
    else if (!named.some(each => config.audience?.includes(each)))
      yield [
        slash ? 'audience-slash' : named.length === 0 ? 'audience-missing' : 'audience',
        slash
          ? 'it holds but for a slash at the end of the audience, or its case'
          : named.length === 0
            ? 'it holds, and was made for no audience: it has no aud'
            : `it holds, and was made for another audience, ${listed(named.slice(0, 4))}`,
        slash
          ? `write audience as the token does: ${named.join(', ').slice(0, 200)}`
          : `have the sender ask the issuer for a token for ${config.audience.join(' or ')}`,
        { ...config, audience: undefined },
      ]
  }
  if (Object.keys(header).some(name => /^(jwk|jku|x5c|x5u)$/.test(name)))
    yield [
      'own-key',
      'it holds by a key of the route, and brings one of its own',
      'set own-keys: ignore, if this issuer always writes it; it is not used then either',
      { ...config, 'own-keys': 'ignore' },
    ]
  for (const name of ['client_id', 'azp', 'sub', 'appid', 'email'])
    if (typeof claims[name] === 'string' && name !== config.principal)
      yield [
        'principal',
        `it holds, and has no ${config.principal} that names the sender; it has ${name}`,
        `set principal: ${name}, if that is who the sender is`,
        { ...config, principal: name },
      ]
}

const KNOWN = [...PUBLIC_KEY_ALGORITHMS, ...HMAC_ALGORITHMS]

const plain = (text: string): string => text.toLowerCase().replace(/\/+$/, '')
const withoutScheme = (text: string): string => plain(text).replace(/^https?:\/\//, '')

function noToken(code: string, request: BodyRequest, header: string, config: JwtConfig): readonly Finding[] {
  const empty = emptyToken('jwt', request, header)
  if (empty) return [empty]
  const [first] = tokenTexts(request, header)
  const token = first?.token ?? ''
  if (token.split('.').length === 5)
    return [
      likely({
        cause: 'jwt.encrypted',
        because: 'the token is encrypted (JWE, five parts), and only its reader can see what it says',
        mend: 'have the issuer make signed tokens for this audience; or ask it about each token with introspection',
      }),
    ]
  if (token !== '' && code === 'jwt.malformed' && !token.includes('.'))
    return [
      likely({
        cause: 'jwt.opaque',
        because: 'the token is no JSON Web Token but an opaque one, without dots',
        mend: 'ask the issuer about it with introspection, or compare it with bearer if it is fixed',
      }),
    ]
  if (code === 'jwt.missing' && first?.differs && OF_SCHEME.has(first.differs.cause))
    return [likely({ ...first.differs, cause: `jwt.${first.differs.cause}` })]
  if (code === 'jwt.missing')
    return [
      possible({
        cause: 'jwt.not-sent',
        because: `there is no token in ${config.header}, and none elsewhere in the request: the sender gets none, or does not send it`,
        mend: `have the sender get a token from the issuer and send it in ${config.header}`,
      }),
    ]
  if (/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?$/.test(token))
    return [
      likely({
        cause: 'jwt.cut',
        because: `the token has ${token.split('.').length} of three parts: it was cut`,
        mend: 'send it whole: a field of fixed length, or a line break, cuts it',
      }),
    ]
  return []
}

function unproven(
  code: string,
  evidence: Readonly<Record<string, unknown>>,
  { header, claims }: Said,
  config: JwtConfig,
  { request }: Explaining<JwtConfig>,
): readonly Finding[] {
  const issuer = typeof claims.iss === 'string' ? claims.iss.slice(0, 200) : undefined
  const foreign = issuer !== undefined && config.issuer !== undefined && !config.issuer.includes(issuer)
  if (code === 'jwt.key' || code === 'jwt.signature') {
    if (foreign)
      return [
        likely({
          cause: 'jwt.other-issuer',
          because: `it says that it is of another issuer, ${issuer}, whose keys this route does not have`,
          evidence: { issuer, expected: config.issuer ?? null },
          mend: 'let the sender get its token from the issuer of this route: is it one of a test system?',
        }),
      ]
    if (code === 'jwt.key' && evidence.expired === undefined)
      return [
        likely({
          cause: 'jwt.key-unknown',
          because: `its key (kid ${String(header.kid ?? 'not named').slice(0, 64)}) is none of this route's: the issuer has a new one, or the copy of its set is old`,
          mend:
            config.jwks?.url === undefined
              ? 'write the current key set of the issuer into the config'
              : 'see whether the key set at its URL names that kid, and whether the gate can fetch it',
        }),
      ]
    if (code === 'jwt.signature')
      return [
        possible({
          cause: 'jwt.other-key',
          because: 'it is signed with another key than the one of that name here',
          mend: 'compare the key of the issuer with the one of the config',
        }),
        possible({
          cause: 'jwt.changed',
          because: 'the token was changed, or cut at its end',
          mend: 'compare it with the one that the issuer made',
        }),
      ]
  }
  if (code === 'jwt.algorithm')
    return [
      likely({
        cause: 'jwt.algorithm',
        because: `it is signed with ${String(header.alg).slice(0, 20)}, and the route takes ${config.algorithms.join(', ')}`,
        mend: 'have the issuer sign with a listed algorithm; HS256 in place of a public key is what a forger tries',
      }),
    ]
  return claimFindings('jwt', code.slice(4), evidence, claims, request.receivedAt, config.skew)
}
