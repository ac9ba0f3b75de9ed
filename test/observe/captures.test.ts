import { describe, expect, it } from 'vitest'
import { type Capture, Captures } from '../../src/observe/captures.ts'
import { auditRecord } from './audit-record.ts'

const NOW = Date.parse('2026-03-02T10:00:00Z')
let counted = 0

function offer(
  captures: Captures,
  { route = 'r', code = 'signature.mismatch', source = '192.0.2.1', at = NOW, bytes = 0 } = {},
): string | undefined {
  if (!captures.wants(route, code, source, at)) return undefined
  const id = String(counted++)
  const capture: Capture = {
    request: {
      id,
      receivedAt: at,
      listener: 'public',
      route,
      encrypted: false,
      serverName: undefined,
      method: 'POST',
      target: '/',
      rawHeaders: [],
      source,
      peer: undefined,
      clientCertificates: [],
      body: Buffer.alloc(bytes),
      bodyBytes: bytes,
      refusal: undefined,
    },
    record: auditRecord({ requestId: id, route, code, source, outcome: 'refused' }),
    code,
    wouldRefuse: [],
    principal: undefined,
  }
  captures.keep(capture, at)
  return id
}

function made(keep: number, age = 60_000): Captures {
  const captures = new Captures()
  captures.configure({ keep, age }, NOW)
  return captures
}

const sourcesOf = (captures: Captures, at: number) => {
  const counts = new Map<string, number>()
  for (const { request } of captures.list({ limit: 1000 }, at))
    counts.set(request.source, (counts.get(request.source) ?? 0) + 1)
  return counts
}

describe('what is kept', () => {
  it('is bounded in count: the oldest of whoever has most goes', () => {
    const captures = made(10)
    const first = offer(captures, { source: '192.0.2.9' })
    for (let second = 0; second < 50; second++) offer(captures, { at: NOW + second * 10 })
    expect(captures.size).toBe(10)
    expect(captures.get(first ?? '', NOW)).toBeDefined()
  })

  it('is not pushed out by a flood of one source, code or route', () => {
    const captures = made(30)
    for (const source of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) offer(captures, { source })
    offer(captures, { code: 'bearer.missing' })
    offer(captures, { route: 'other' })
    for (let second = 1; second < 50; second++)
      for (let n = 0; n < 40; n++) offer(captures, { source: '203.0.113.66', at: NOW + second * 1000 })
    const at = NOW + 50_000
    const counts = sourcesOf(captures, at)
    for (const source of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) expect(counts.get(source)).toBeGreaterThan(0)
    expect(captures.list({ code: 'bearer.missing' }, at)).toHaveLength(1)
    expect(captures.list({ route: 'other' }, at)).toHaveLength(1)
    expect(captures.size).toBe(30)
  })

  it('is no more a second than tells anything; the rest is counted', () => {
    const captures = made(1000)
    for (let n = 0; n < 500; n++) offer(captures, {})
    expect(captures.size).toBe(10)
    for (let n = 0; n < 500; n++) offer(captures, { source: `192.0.2.${n % 250}` })
    expect(captures.size).toBe(50)
    expect(captures.missed).toBe(950)
    offer(captures, { at: NOW + 1000 })
    expect(captures.size).toBe(51)
  })

  it('is bounded in age', () => {
    const captures = made(10, 5_000)
    const old = offer(captures, {})
    const young = offer(captures, { at: NOW + 4_000 })
    captures.sweep(NOW + 6_000)
    expect(captures.get(old ?? '', NOW + 6_000)).toBeUndefined()
    expect(captures.get(young ?? '', NOW + 6_000)).toBeDefined()
  })

  it('is bounded in bytes', () => {
    const captures = made(10_000)
    for (let n = 0; n < 100; n++) offer(captures, { at: NOW + n * 100, bytes: 1024 * 1024 })
    expect(captures.bytes).toBeLessThanOrEqual(32 * 1024 * 1024)
    expect(captures.size).toBe(31)
  })

  it('weighs bodies: many small captures outlive a few that are large', () => {
    const captures = made(10_000)
    for (let n = 0; n < 40; n++) offer(captures, { code: 'bearer.missing', at: NOW + n * 100 })
    for (let n = 0; n < 100; n++) offer(captures, { at: NOW + 4_000 + n * 100, bytes: 1024 * 1024 })
    expect(captures.list({ code: 'bearer.missing' }, NOW + 20_000)).toHaveLength(40)
  })

  it('is nothing where nothing is to be kept, also after a reload', () => {
    expect(offer(made(0))).toBeUndefined()
    const captures = made(10)
    offer(captures)
    captures.configure({ keep: 0, age: 60_000 }, NOW)
    expect([captures.size, captures.bytes]).toEqual([0, 0])
  })

  it('takes more of a body when it comes, and still counts it', () => {
    const captures = made(10)
    const id = offer(captures) ?? ''
    const capture = captures.get(id, NOW)
    const before = captures.bytes
    if (capture) captures.replace({ ...capture, request: { ...capture.request, body: Buffer.alloc(5000) } })
    expect(captures.bytes - before).toBe(5000)
    captures.configure({ keep: 0, age: 0 }, NOW)
    expect(captures.bytes).toBe(0)
  })
})
