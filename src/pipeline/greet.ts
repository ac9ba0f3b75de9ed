import { type BodySource, unreadBody } from './body.ts'
import type { RequestContext } from './context.ts'
import type { PlacedGreeter } from './route.ts'
import { refuse, type Stop, type Walk } from './walk.ts'

/** Answers or refuses a handshake; `undefined` where the request is none. Nothing that it asks is ever forwarded. */
export async function greet(
  request: RequestContext,
  source: BodySource,
  { name, greeter, denials }: PlacedGreeter,
  walk: Walk,
): Promise<Stop | undefined> {
  try {
    // Looked at first: an ordinary request meets the same checks on its own way, and must not be counted twice.
    if (!greeter.asks(request)) return undefined
    const stop = await walk.greeting(request)
    if (stop) return stop
    let said = greeter.greet(request)
    if (said === 'body') {
      const raw = await source.read(greeter.maxBytes)
      if (!Buffer.isBuffer(raw)) return unreadBody(raw, greeter.maxBytes)
      request.raw = raw
      said = greeter.greetBody(request)
    }
    if (said.ok === 'reply') return { kind: 'reply', reply: said }
    const spec = denials[said.code]
    if (spec === undefined) throw new Error(`undeclared code ${said.code}`)
    return { kind: 'refusal', code: said.code, spec, evidence: said.evidence, headers: said.headers }
  } catch (error) {
    return refuse('gateway.fault', { check: name, error: error instanceof Error ? error.message : 'unknown' })
  }
}
