import { signature } from '../../src/checks/signature.ts'
import { type Clock, frozenClock } from '../../src/core/clock.ts'
import type { Decision } from '../../src/core/decision.ts'
import { Secret } from '../../src/core/secret.ts'
import { providerOf } from '../../src/signing/index.ts'
import type { Provider } from '../../src/signing/provider.ts'
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

/** A gate's check for one provider (or another configuration), asked as the pipeline asks: the head first. */
export function gate(
  id: string,
  secret: string,
  nowMs: number = NOW,
  config: unknown = { provider: id, secrets: [{ env: 'SECRET' }] },
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
    if (decision instanceof Promise) throw new Error('a signature is checked at once')
    return decision
  }
}

/** The outcome in a word: `ok`, or the code. */
export function outcome(decision: Decision): string {
  if (decision.ok === true) return 'ok'
  return decision.ok === false ? decision.code : decision.reason
}

/** A request signed by this project, as that provider. */
export function signed(id: string, secret: string, body: Buffer, contentType = 'application/json', nowMs = NOW): Sent {
  const { scheme, secret: form } = provider(id)
  const given = { method: 'POST', url: URL_GIVEN, body, contentType, nowMs, id: 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W' }
  const message = { ...given, body: scheme.body?.(given) ?? body }
  const url = scheme.url?.(message) ?? URL_GIVEN
  const headers = scheme.sign(form.parse(new Secret(Buffer.from(secret))), { ...message, url })
  return { url, body: message.body, headers: { 'Content-Type': contentType, ...Object.fromEntries(headers) } }
}
