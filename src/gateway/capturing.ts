import type { CapturedRefusal, CapturedRequest } from '../core/captured.ts'
import type { Clock } from '../core/clock.ts'
import type { AuditRecord } from '../observe/audit.ts'
import type { Capture, CaptureLimits, Captures } from '../observe/captures.ts'
import type { RequestContext } from '../pipeline/context.ts'
import type { Result } from '../pipeline/handle.ts'
import type { Incoming } from './http/incoming.ts'
import type { RequestBody } from './request-body.ts'

/** Refused requests whose bodies are still read for their captures, at once. */
const COLLECTING = 32
const EMPTY = Buffer.alloc(0)

/** What there is of a request that is to be kept; without a context it never became one. */
export interface Seen {
  readonly req: Incoming | undefined
  readonly context: RequestContext | undefined
  readonly result: Result
  readonly body: RequestBody | undefined
}

/** Keeps refused and failed requests as they were received. */
export class Capturing {
  readonly #captures: Captures
  readonly #clock: Clock
  #maxBody = 0
  #kept: (id: string) => void = () => undefined
  #collecting = 0

  constructor(captures: Captures, clock: Clock) {
    this.#captures = captures
    this.#clock = clock
  }

  configure(limits: CaptureLimits & { readonly maxBody: number }): void {
    this.#maxBody = limits.maxBody
    this.#captures.configure(limits, this.#clock.now())
  }

  /** Hands in who is told of each that is kept, and again where more of its body has come. */
  watch(kept: (id: string) => void): void {
    this.#kept = kept
  }

  /** The code that a request is kept under; `undefined` where it is not kept. */
  wants(result: Result, source: string): string | undefined {
    const code = codeOf(result)
    if (code === undefined) return undefined
    return this.#captures.wants(result.route?.name, code, source, this.#clock.now()) ? code : undefined
  }

  /**
   * Before a request is answered that `wants` has said yes to: what is still to come of a body is kept too, as long as it
   * would be read anyway.
   */
  collectRest(id: string, body: RequestBody | undefined): void {
    if (body === undefined || this.#collecting >= COLLECTING) return
    const begun = body.collectRest(this.#maxBody, whole => {
      this.#collecting--
      const capture = whole && this.#captures.get(id, this.#clock.now())
      if (!capture) return
      const request = { ...capture.request, body: whole, bodyBytes: whole.length, cut: false }
      this.#captures.replace({ ...capture, request })
      this.#kept(id)
    })
    if (begun) this.#collecting++
  }

  /** Takes one that another thread has kept, or has got more of. */
  take(capture: Capture): void {
    const { id } = capture.request
    const now = this.#clock.now()
    if (this.#captures.get(id, now)) this.#captures.replace(capture)
    else this.#captures.keep(capture, now)
    this.#kept(id)
  }

  keep(code: string, seen: Seen, record: AuditRecord): void {
    const facts = seen.result.walk?.facts
    const principal =
      facts?.principal === undefined ? undefined : { name: facts.principal, by: facts.principalBy ?? 'a check' }
    const wouldRefuse = record.wouldRefuse ?? []
    const capture: Capture = { request: this.#requestOf(seen, record), record, code, wouldRefuse, principal }
    this.#captures.keep(capture, this.#clock.now())
    this.#kept(record.requestId)
  }

  #requestOf({ req, context, result, body }: Seen, record: AuditRecord): CapturedRequest {
    const { stop } = result
    const raw = context && context.raw.length > 0 ? context.raw : (body?.beginning(this.#maxBody) ?? EMPTY)
    const whole =
      (context && context.raw.length > 0) || context?.contentLength === 0 || (body !== undefined && !body.unread)
    // A part of a buffer would hold all of it.
    const kept = raw.length > this.#maxBody ? Buffer.from(raw.subarray(0, this.#maxBody)) : raw
    const certificate = context?.clientCertificate()
    return {
      id: record.requestId,
      receivedAt: context?.receivedAt ?? this.#clock.now(),
      listener: record.listener,
      route: record.route,
      encrypted: context?.encrypted ?? false,
      serverName: context?.serverName,
      method: record.method,
      target: req?.target ?? '',
      rawHeaders: req?.fields ?? [],
      source: record.source,
      peer: context?.peer?.text,
      // Of one that was not accepted all that was sent tells why.
      clientCertificates: certificate ? [certificate.der, ...(certificate.unverified?.sent ?? certificate.chain)] : [],
      body: kept,
      bodyBytes: Math.max(raw.length, record.bytesIn),
      cut: !whole || kept.length < raw.length,
      refusal: refusalOf(record, stop?.kind === 'refusal' ? stop.by : undefined),
    }
  }
}

/** What a record says of a refusal; `undefined` where it was none. */
export function refusalOf(
  { outcome, code, status, evidence }: AuditRecord,
  by: number | undefined,
): CapturedRefusal | undefined {
  if ((outcome !== 'refused' && outcome !== 'failed') || code === undefined) return undefined
  return { status, code, evidence, by }
}

/** What a request failed with, for whoever it failed; `undefined` where it went as it should. */
function codeOf({ stop, answer, walk }: Result): string | undefined {
  if (stop?.kind === 'refusal') return stop.code
  if (answer !== undefined && !answer.ok) return answer.code
  const [first] = walk?.wouldRefuse ?? []
  if (first !== undefined) return first.code
  return answer?.ok && answer.status >= 400 ? `upstream.${answer.status}` : undefined
}
