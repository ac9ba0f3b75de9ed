import { ago, likely, listed, possible, proven } from '../checks/explain/finding.ts'
import type { Evidence } from '../core/decision.ts'
import type { Finding } from '../core/finding.ts'
import type { Secret, SecretRef } from '../core/secret.ts'
import type { Clue } from '../forward/answer-clues.ts'
import type { ForwardConfig } from '../forward/config.ts'
import type { AuthenticateConfig } from '../forward/credentials/config.ts'
import { readJsonObject } from '../signing/jws.ts'

/** How a route sends what it has verified. */
export interface Sending {
  readonly route: string
  readonly forward: ForwardConfig
  /** @throws where it can't be read */
  readonly secret: (ref: SecretRef) => Secret
}

/** One answer of 4xx, and what was sent for it. */
interface Answered {
  readonly status: number
  readonly names: ReadonlySet<Clue>
  readonly error: string | undefined
  readonly scope: string | undefined
  readonly schemes: readonly string[]
  readonly sends: Sending
  /** Epoch milliseconds at which it was sent. */
  readonly at: number
  /** `bearer (env:TOKEN)`, for each credential of the route. */
  readonly credentials: ReadonlyMap<keyof AuthenticateConfig, string>
  readonly certificate: boolean
}

type Rule = (answered: Answered) => Finding | undefined

/** Causes that say more come before those that say less; of what is equally sure the first counts most. */
const RULES: readonly Rule[] = [
  csrf,
  tokenTime,
  certificate,
  scope,
  nothingSent,
  otherScheme,
  clock,
  signature,
  address,
]

/**
 * Why an upstream refused what was verified and sent, with the credentials that the route adds in mind.
 * @param clues what `answerClues` made of the answer
 * @param at epoch milliseconds at which the request came
 */
export function explainAnswer(
  status: number,
  clues: Evidence | undefined,
  sends: Sending,
  at: number,
): readonly Finding[] {
  if (status < 400 || status >= 500) return []
  const texts = (name: string): readonly string[] => [clues?.[name] ?? []].flat().map(String)
  const answered: Answered = {
    status,
    names: new Set(texts('names') as Clue[]),
    error: texts('error')[0],
    scope: texts('scope')[0],
    schemes: texts('asks-for'),
    sends,
    at,
    credentials: credentialsOf(sends.forward),
    certificate: sends.forward.tls?.certificate !== undefined,
  }
  if (!MAY_HIDE.has(status) && !OF_AUTHENTICATION.has(status)) return byStatus(answered)
  const found = RULES.flatMap(rule => rule(answered) ?? [])
  const findings = found.length > 0 ? found : [credential(answered) ?? []].flat()
  return MAY_HIDE.has(status) ? findings.map(finding => hidden(status, finding)) : findings
}

/** With that of Laravel for requests without a CSRF token. */
const OF_AUTHENTICATION: ReadonlySet<number> = new Set([401, 403, 419])
/** Statuses that are for what was sent, and by which some answer whoever they don't know. */
const MAY_HIDE: ReadonlySet<number> = new Set([400, 422])

/** The words of such an answer may be about the content as well; not so those about a connection's certificate. */
function hidden(status: number, finding: Finding): Finding {
  const because = `its ${status} may hide a failed authentication: ${finding.because}`
  const isSure = finding.certainty !== 'likely' || finding.cause.startsWith('upstream.certificate-')
  return isSure ? { ...finding, because } : { ...finding, because, level: 'warn', certainty: 'possible' }
}

function credentialsOf({ authenticate = {}, sign }: ForwardConfig): ReadonlyMap<keyof AuthenticateConfig, string> {
  const { bearer, basic, oauth2, signature: signed } = authenticate
  const key = authenticate['api-key']
  const credentials = new Map<keyof AuthenticateConfig, string>()
  if (bearer) credentials.set('bearer', `the bearer token (${bearer})`)
  if (basic) credentials.set('basic', `user name and password (${basic.password})`)
  if (key) credentials.set('api-key', `the key (${key.value})`)
  if (oauth2) credentials.set('oauth2', `the token that the client ${oauth2['client-id']} was given`)
  if (sign) credentials.set('signature', `the gate's own signature (${sign})`)
  if (signed) credentials.set('signature', `the signature (${'secret' in signed ? signed.secret : signed.key})`)
  return credentials
}

const DOCTOR = ({ route }: Sending): string => `sallyport doctor ${route} tries it`
const isAboutAuthentication = ({ status, names, schemes }: Answered): boolean =>
  !MAY_HIDE.has(status) || schemes.length > 0 || names.size > 0

function csrf({ names, sends }: Answered): Finding | undefined {
  if (!names.has('csrf')) return undefined
  return likely({
    cause: 'upstream.csrf',
    because: 'the upstream speaks of CSRF: it takes the request for the form of a browser',
    mend: `exempt ${new URL(sends.forward.to).pathname} there from the check of CSRF tokens, as a path that programs call`,
  })
}

/** Of a bearer token that is a JWT: its own times. */
function tokenTime({ sends, at }: Answered): Finding | undefined {
  const ref = sends.forward.authenticate?.bearer
  const claims = ref && claimsOf(ref, sends)
  if (claims === undefined) return undefined
  const { exp, nbf } = claims
  const ended = typeof exp === 'number' && exp >= 0 ? at - exp * 1000 : -1
  if (ended >= 0)
    return proven({
      cause: 'upstream.token-ended',
      because: `the bearer token (${ref}) is a JWT that had ended ${ago(ended)} before`,
      mend: `have the service issue a new one and put it there; where it issues them by client credentials, oauth2 in place of bearer renews them by itself`,
      evidence: { ended: new Date(at - ended).toISOString() },
    })
  const early = typeof nbf === 'number' ? nbf * 1000 - at : -1
  if (early <= 0) return undefined
  return proven({
    cause: 'upstream.token-early',
    because: `the bearer token (${ref}) is a JWT that is not valid for ${ago(early)} yet`,
    mend: "compare this machine's clock with that of whoever issued it",
  })
}

function claimsOf(ref: SecretRef, { secret }: Sending): Readonly<Record<string, unknown>> | undefined {
  try {
    const [, payload = '', ...more] = secret(ref).text().split('.')
    return more.length === 1 ? readJsonObject(Buffer.from(payload, 'base64url')) : undefined
  } catch {
    // It is missing by now, and its route offline.
    return undefined
  }
}

function certificate({ names, certificate: shown, sends }: Answered): Finding | undefined {
  if (!names.has('client-certificate')) return undefined
  return shown
    ? likely({
        cause: 'upstream.certificate-refused',
        because: 'the upstream speaks of the client certificate, and does not take the one that the route shows',
        mend: `compare its CA, end and name with what the service knows; ${DOCTOR(sends)}`,
      })
    : likely({
        cause: 'upstream.certificate-missing',
        because: 'the upstream asks for a client certificate, and the route shows none',
        mend: 'set tls.certificate of forward to the one that the service knows',
      })
}

function scope({ error, scope: asked, names, credentials }: Answered): Finding | undefined {
  if (error !== 'insufficient_scope' && !names.has('scope')) return undefined
  const [what = 'what was sent'] = credentials.values()
  const wanted = asked === undefined ? 'a scope' : asked
  return likely({
    cause: 'upstream.scope',
    because: `the upstream asks for ${asked === undefined ? 'a scope' : `the scope ${asked}`}, and ${what} lacks it`,
    mend: credentials.has('oauth2')
      ? `grant the client ${wanted} at the service, and name it under scopes of oauth2`
      : `have the service issue one with ${wanted}`,
  })
}

function nothingSent(answered: Answered): Finding | undefined {
  const { credentials, certificate: shown, sends, schemes } = answered
  const passes = sends.forward['pass-headers'].some(name => /^(?:authorization|x-api-key)$/i.test(name))
  if (credentials.size > 0 || shown || passes || !isAboutAuthentication(answered)) return undefined
  const how = schemes.length > 0 ? ` (${listed(schemes)})` : ''
  return likely({
    cause: 'upstream.no-credential',
    because: `the upstream wants to know who asks${how}, and the route sends no credential`,
    mend: 'set authenticate under forward, as the service has it: bearer, basic, api-key, oauth2 or signature; what the sender wrote into Authorization ends at the gate',
  })
}

const SCHEME: Readonly<Partial<Record<keyof AuthenticateConfig, string>>> = {
  bearer: 'bearer',
  oauth2: 'bearer',
  basic: 'basic',
}

function otherScheme({ schemes, credentials }: Answered): Finding | undefined {
  const own = [...credentials.keys()].flatMap(kind => SCHEME[kind] ?? [])[0]
  const known = schemes.filter(each => /^(?:bearer|basic)$/i.test(each))
  if (own === undefined || known.length === 0 || known.some(each => each.toLowerCase() === own)) return undefined
  return likely({
    cause: 'upstream.other-scheme',
    because: `the upstream asks for ${listed(known)}, and the route sends ${own === 'basic' ? 'Basic' : 'Bearer'}`,
    mend: own === 'basic' ? 'use bearer or oauth2 in place of basic' : 'use basic in place of it',
  })
}

function clock({ names, credentials, sends }: Answered): Finding | undefined {
  if (!names.has('timestamp') || !credentials.has('signature')) return undefined
  return likely({
    cause: 'upstream.clock',
    because: 'the upstream speaks of the time, and the route signs with one',
    mend: `compare this machine's clock with the service's; ${DOCTOR(sends)}`,
  })
}

function signature({ names, credentials, sends }: Answered): Finding | undefined {
  if (!names.has('signature')) return undefined
  const signed = credentials.get('signature')
  if (signed !== undefined)
    return likely({
      cause: 'upstream.signature-refused',
      because: `the upstream does not take ${signed}`,
      mend: `compare the secret or key with the one in the service, and how it is signed with the service's page; ${DOCTOR(sends)}`,
    })
  return likely({
    cause: 'upstream.signature-missing',
    because: 'the upstream speaks of a signature, and the route makes none',
    mend: 'set authenticate.signature of forward to how the service wants it signed',
  })
}

function address({ status, names, sends }: Answered): Finding | undefined {
  if (!names.has('address') || (status !== 401 && status !== 403)) return undefined
  const from = sends.forward['local-address']
  return likely({
    cause: 'upstream.address',
    because: 'the upstream speaks of the address that it is called from',
    mend: `allow ${from === undefined ? 'the address that the gate leaves from' : `what ${from} leaves as`} at the service; sallyport doctor ${sends.route} shows it`,
  })
}

/** The least that can be said: it was sent, and not taken. */
function credential(answered: Answered): Finding | undefined {
  const { status, names, error, credentials, sends } = answered
  const [what] = credentials.values()
  if (what === undefined || !isAboutAuthentication(answered)) return undefined
  const said = error ?? (names.has('expired') ? 'expired' : undefined)
  const isSure = error === 'invalid_token' || (status === 401 && (names.has('token') || names.has('expired')))
  return (isSure ? likely : possible)({
    cause: 'upstream.credential-refused',
    because: `the upstream does not take ${what}${said === undefined ? '' : `: it says ${said}`}`,
    mend: `compare it with the one in the service: is it of this environment, alive, and allowed to do this? ${DOCTOR(sends)}`,
  })
}

function byStatus({ status, sends }: Answered): readonly Finding[] {
  const told: Readonly<Record<number, readonly [cause: string, because: string, mend: string] | undefined>> = {
    404: ['path', 'the upstream has nothing at that path', 'compare the URL of forward.to with that of the service'],
    413: [
      'too-large',
      'the upstream takes no body of that size',
      'set body.max of forward to what it takes, and truncate',
    ],
    415: [
      'content-type',
      `the upstream does not take ${sends.forward.body?.as === 'form' ? 'a form' : 'JSON'} there`,
      `compare with the service's page; body.as of forward may be ${sends.forward.body?.as === 'form' ? 'json' : 'form'}`,
    ],
    429: [
      'too-many',
      'the upstream allows fewer requests',
      'set pace of forward to the rate that the service documents',
    ],
  }
  const [cause, because, mend] = told[status] ?? []
  if (cause === undefined || because === undefined || mend === undefined) return []
  return [likely({ cause: `upstream.${cause}`, because, mend })]
}
