import { signature } from '../../src/checks/signature.ts'
import { type Clock, frozenClock } from '../../src/core/clock.ts'
import type { Decision } from '../../src/core/decision.ts'
import { Secret } from '../../src/core/secret.ts'
import { providerOf } from '../../src/signing/index.ts'
import { type Provider, signerKey } from '../../src/signing/provider.ts'
import { signMessage } from '../../src/signing/scheme.ts'
import { compile, fakeRequest, fakeResources, NOW } from './testCheck.ts'

/** One request as it reaches the gate. */
export interface Sent {
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body: Buffer | string
  readonly url?: string
  readonly method?: string
}

export const URL_GIVEN = 'https://hooks.example.com/hooks/x'

export function provider(id: string): Provider {
  const found = providerOf(id)
  if (!found) throw new Error(`no provider ${id}`)
  return found
}

/**
 * A gate's check for one provider (or another configuration), asked as the pipeline asks: the head first.
 * @param secret what the config is given: the secret, or the public key
 */
export function gate(
  id: string,
  secret: string,
  nowMs: number = NOW,
  config: unknown = configOf(id),
): (sent: Sent) => Decision {
  const clock: Clock & { advance(ms: number): void } = frozenClock(nowMs)
  const check = compile(signature, config, fakeResources({ clock, secrets: { SECRET: secret } }))
  return ({ headers, body, url = URL_GIVEN, method = 'POST' }) => {
    const at = url.indexOf('/', url.indexOf('://') + 3)
    const request = {
      ...fakeRequest({ method, target: at < 0 ? '/' : url.slice(at), headers, body }),
      publicUrl: url,
    }
    const decision = check.foresee?.(request, {}) ?? check.decide(request, {})
    if (decision instanceof Promise) throw new Error('a signature by a key of the config is checked at once')
    return decision
  }
}

/** The provider's settings as its page shows them, and its secret or public key. */
export function configOf(id: string): Record<string, unknown> {
  const { secret, publicKey, settings } = provider(id)
  const keys = secret || publicKey ? { [secret ? 'secrets' : 'keys']: [{ env: 'SECRET' }] } : {}
  return { provider: id, ...settings?.example, ...keys }
}

/** The outcome in a word: `ok`, or the code. */
export function outcome(decision: Decision): string {
  if (decision.ok === true) return 'ok'
  return decision.ok === false ? decision.code : decision.reason
}

/** A request signed by this project, as that provider. @param secret what the sender holds */
export function signed(id: string, secret: string, body: Buffer, contentType = 'application/json', nowMs = NOW): Sent {
  const message = { method: 'POST', url: URL_GIVEN, body, contentType, nowMs, id: 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W' }
  const key = signerKey(provider(id), new Secret(Buffer.from(secret)))
  const sent = signMessage(provider(id).scheme, key, message)
  return { ...sent, headers: { 'Content-Type': contentType, ...Object.fromEntries(sent.headers) } }
}
