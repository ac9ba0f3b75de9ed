import { signature } from '../../src/checks/signature.ts'
import { frozenClock } from '../../src/core/clock.ts'
import type { Decision } from '../../src/core/decision.ts'
import { Secret } from '../../src/core/secret.ts'
import type { Provider } from '../../src/signing/provider.ts'
import type { Message } from '../../src/signing/scheme.ts'
import { compile, fakeRequest, fakeResources, NOW } from '../checks/testCheck.ts'

export const URL_OF_HOOK = 'https://hooks.example.com/in?a=1'
export const FORM = 'application/x-www-form-urlencoded'
export type HeaderList = readonly (readonly [name: string, value: string])[]

/** A request as it reaches the check. */
export interface Sent {
  readonly headers: HeaderList
  readonly body: string | Buffer
  readonly url?: string
  readonly method?: string
}

/** Signs with the code under test, as `send` does. */
export function signWith(
  provider: Provider,
  secret: string,
  message: Partial<Message> & { readonly body: Buffer },
): Sent {
  const whole: Message = {
    method: 'POST',
    url: URL_OF_HOOK,
    contentType: 'application/json',
    nowMs: NOW,
    id: 'evt_1',
    ...message,
  }
  const key = provider.secret.parse(new Secret(Buffer.from(secret)))
  return {
    headers: [['Content-Type', whole.contentType], ...provider.scheme.sign(key, whole)],
    body: whole.body,
    url: provider.scheme.url?.(whole) ?? whole.url,
  }
}

/** A gate's check for one provider, with one secret and a clock that stands. */
export function gateFor(config: Readonly<Record<string, unknown>>, secret: string, nowMs: number = NOW) {
  const clock = frozenClock(nowMs)
  const check = compile(
    signature,
    { secrets: [{ env: 'S' }], ...config },
    fakeResources({ secrets: { S: secret }, clock }),
  )
  return async (sent: Sent): Promise<Decision> => {
    const names = new Map<string, string[]>()
    for (const [name, value] of sent.headers) names.set(name, [...(names.get(name) ?? []), value])
    const url = sent.url ?? URL_OF_HOOK
    const request = {
      ...fakeRequest({
        method: sent.method ?? 'POST',
        target: url.replace(/^https?:\/\/[^/]*/, '') || '/',
        headers: Object.fromEntries(names),
        body: sent.body,
      }),
      publicUrl: url,
    }
    return check.foresee?.(request, {}) ?? check.decide(request, {})
  }
}

/** `ok`, or the code of the refusal. */
export async function verdict(decision: Decision | Promise<Decision>): Promise<string> {
  const made = await decision
  return made.ok === false ? made.code : String(made.ok)
}
