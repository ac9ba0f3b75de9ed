import { z } from 'zod'
import type { Evidence } from '../core/decision.ts'
import type { Capture } from '../observe/captures.ts'

const evidence = z.record(z.string(), z.json()).nullable()

/** A file of a capture; see MaskedCapture. */
const keptShape = z.object({
  capture: z.object({
    id: z.string().regex(/^[0-9A-HJKMNP-TV-Z]{26}$/),
    time: z.iso.datetime(),
    listener: z.string(),
    route: z.string().nullable(),
    outcome: z.enum(['forwarded', 'duplicate', 'replied', 'refused', 'failed']),
    code: z.string(),
    status: z.int(),
    evidence,
    'would-refuse': z.array(z.object({ check: z.string(), code: z.string(), evidence })),
    principal: z.object({ name: z.string(), by: z.string() }).nullable(),
    source: z.string(),
    peer: z.string().nullable(),
    encrypted: z.boolean(),
    'server-name': z.string().nullable(),
    method: z.string(),
    target: z.string(),
    headers: z.array(z.tuple([z.string(), z.string()])),
    'client-certificates': z.array(z.base64()),
    body: z.object({ bytes: z.number(), cut: z.boolean(), text: z.string().nullable() }),
    ms: z.number(),
  }),
  explanation: z.record(z.string(), z.json()),
})

/** The capture that a file holds; `undefined` where it holds none. */
export function readKept(text: string): Capture | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const parsed = keptShape.safeParse(value)
  if (!parsed.success) return undefined
  const { capture: kept, explanation } = parsed.data
  const refused = kept.outcome === 'refused' || kept.outcome === 'failed'
  const body = Buffer.from(kept.body.text ?? '')
  const seen = kept.evidence as Evidence | null
  const mark = kept.target.indexOf('?')
  return {
    request: {
      id: kept.id,
      receivedAt: Date.parse(kept.time),
      listener: kept.listener,
      route: kept.route ?? undefined,
      encrypted: kept.encrypted,
      serverName: kept['server-name'] ?? undefined,
      method: kept.method,
      target: kept.target,
      rawHeaders: kept.headers.flat(),
      source: kept.source,
      peer: kept.peer ?? undefined,
      clientCertificates: kept['client-certificates'].map(der => Buffer.from(der, 'base64')),
      body,
      bodyBytes: kept.body.bytes,
      cut: kept.body.cut,
      refusal: refused ? { status: kept.status, code: kept.code, evidence: seen ?? undefined } : undefined,
    },
    record: {
      requestId: kept.id,
      listener: kept.listener,
      route: kept.route ?? undefined,
      method: kept.method,
      path: mark < 0 ? kept.target : kept.target.slice(0, mark),
      source: kept.source,
      outcome: kept.outcome,
      code: refused ? kept.code : undefined,
      status: kept.status,
      principal: kept.principal?.name,
      keyName: undefined,
      eventId: undefined,
      evidence: seen ?? undefined,
      remedy: undefined,
      bytesIn: kept.body.bytes,
      bytesOut: 0,
      totalMs: kept.ms,
      upstreamMs: 0,
    },
    code: kept.code,
    wouldRefuse: kept['would-refuse'].map(({ check, code, evidence: would }) => ({
      check,
      code,
      evidence: (would as Evidence | null) ?? undefined,
      by: -1,
    })),
    principal: kept.principal ?? undefined,
    restored: true,
    explained: explanation,
  }
}
