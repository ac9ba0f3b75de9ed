import type { UpstreamFailure, UpstreamResult } from '../exchange.ts'

export interface Token {
  readonly ok: true
  readonly text: string
  readonly lifeMs: number
  /** Whether the endpoint said how long it lives, or it is taken for granted. */
  readonly lifeSaid: boolean
  /** The scopes that the endpoint says it has; `undefined` where it says nothing, which means those asked for. */
  readonly scopes: readonly string[] | undefined
}

/** Where the endpoint does not say how long a token lives (RFC 6749 section 5.1 asks it to). Milliseconds. */
const UNSAID_MS = 300_000
const LONGEST_MS = 86_400_000

/** The token in the endpoint's answer. A fault is told by the error's code alone: the rest may hold what was sent. */
export function readToken(answer: UpstreamResult): Token | UpstreamFailure {
  if (!answer.ok) return noToken(answer.message)
  if (!Buffer.isBuffer(answer.body)) {
    answer.body.destroy()
    return noToken(`it answered ${answer.status} with more than any token needs`)
  }
  const value = parse(answer.body)
  if (answer.status !== 200) {
    const code = value?.error
    const said = typeof code === 'string' && /^[a-z0-9_.-]{1,64}$/i.test(code) ? `: ${code}` : ''
    return noToken(`it answered ${answer.status}${said}`)
  }
  const { access_token: text, token_type: type, expires_in: seconds, scope } = value ?? {}
  if (typeof text !== 'string' || !/^[\x21-\x7e]{1,16384}$/.test(text))
    return noToken('its answer holds no access_token')
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer')
    return noToken('its token is no bearer token (token_type)')
  const lifeMs = lifeOf(seconds)
  return {
    ok: true,
    text,
    lifeMs: lifeMs ?? UNSAID_MS,
    lifeSaid: lifeMs !== undefined,
    scopes: typeof scope === 'string' ? scope.split(' ').filter(Boolean) : undefined,
  }
}

/** In milliseconds; `undefined` where it is not said. Some endpoints write the number as a text. */
function lifeOf(seconds: unknown): number | undefined {
  if (typeof seconds !== 'number' && (typeof seconds !== 'string' || seconds.trim() === '')) return undefined
  const life = Number(seconds) * 1000
  return life >= 0 ? Math.min(life, LONGEST_MS) : undefined
}

function parse(body: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/** What is told where there is no token. */
export function noToken(message: string): UpstreamFailure {
  return { ok: false, code: 'forward.no-token', message: `the token endpoint: ${message}` }
}
