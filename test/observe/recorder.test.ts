import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Evidence } from '../../src/core/decision.ts'
import { Secret } from '../../src/core/secret.ts'
import { plain } from '../../src/observe/fields.ts'
import { createLog } from '../../src/observe/log.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { auditLine, createRecorder } from '../../src/observe/recorder.ts'
import { escapeDeceptive } from '../../src/observe/text.ts'
import { auditRecord } from './audit-record.ts'

describe('recorder', () => {
  it('writes an accepted request as one line', () => {
    expect(auditLine(auditRecord(), Date.parse('2026-01-31T08:15:00.042Z'))).toBe(
      '{"level":"info","time":"2026-01-31T08:15:00.042Z","msg":"forwarded","route":"github","status":200,' +
        '"source":"198.51.100.7","principal":"github","key":"current","event-id":"evt-1","listener":"public",' +
        '"method":"POST","path":"/hooks/github","bytes-in":1024,"bytes-out":17,"ms":3.042,"upstream-ms":2,' +
        '"request-id":"01KAR5ABCDEFGHJKMNPQRSTVWX"}\n',
    )
  })

  it('writes what one has in common with the one before, and what not', () => {
    const evidence = { source: '192.0.2.1' }
    const one = auditRecord({ outcome: 'refused', code: 'a.b', status: 403, evidence, remedy: 'Do it.', upstreamMs: 0 })
    const { eventId: _eventId, ...without } = one
    const records = [
      one,
      { ...without, eventId: undefined },
      { ...one, evidence: { source: '192.0.2.2' } },
      { ...one, remedy: 'Do "it".' },
      { ...one, bytesIn: 7 },
      { ...one, path: '/other' },
      { ...without, eventId: undefined, path: '/other' },
      { ...without, eventId: undefined, source: '192.0.2.9' },
    ]
    for (let round = 0; round < 20; round++)
      for (const record of round % 2 === 0 ? records : [...records].reverse())
        for (let twice = 0; twice < 2; twice++)
          expect(JSON.parse(auditLine(record, 1000 + round))).toMatchObject({
            time: new Date(1000 + round).toISOString(),
            level: 'warn',
            code: 'a.b',
            evidence: record.evidence,
            remedy: record.remedy,
            path: record.path,
            source: record.source,
            'bytes-in': record.bytesIn,
            ...(record.eventId === undefined ? {} : { 'event-id': record.eventId }),
          })
  })

  it('writes a refusal with code, evidence and remedy, at warn', () => {
    const line = auditLine(
      auditRecord({
        outcome: 'refused',
        code: 'signature.mismatch',
        status: 401,
        evidence: { scheme: 'zendesk', 'secrets-tried': ['current'], 'timestamp-skew-s': 2 },
        remedy: 'Check the secret.',
        upstreamMs: 0,
      }),
      0,
    )
    expect(JSON.parse(line)).toMatchObject({
      level: 'warn',
      msg: 'refused',
      code: 'signature.mismatch',
      evidence: { scheme: 'zendesk', 'secrets-tried': ['current'], 'timestamp-skew-s': 2 },
      remedy: 'Check the secret.',
    })
    expect(line).not.toContain('upstream-ms')
  })

  it('writes evidence as any other field is written, whatever it holds', () => {
    const scalar = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constant('x'.repeat(1025)),
      fc.double(),
      fc.boolean(),
      fc.constant(null),
    )
    const value = fc.oneof(scalar, fc.array(scalar, { maxLength: 34 }), fc.array(fc.array(scalar)))
    const evidence = fc.dictionary(fc.oneof(fc.string(), fc.constant('n'.repeat(300))), value, { maxKeys: 40 })
    fc.assert(
      fc.property(evidence, (given: Evidence) => {
        const line = auditLine(auditRecord({ evidence: given }), 0)
        expect(line).toContain(`,"evidence":${escapeDeceptive(JSON.stringify(plain(given)))},"request-id"`)
      }),
    )
  })

  it.each([
    ['forwarded', 'info'],
    ['duplicate', 'info'],
    ['replied', 'info'],
    ['refused', 'warn'],
    ['failed', 'error'],
  ] as const)('tells %s at %s', (outcome, level) => {
    expect(JSON.parse(auditLine(auditRecord({ outcome }), 0))).toMatchObject({ level, msg: outcome })
  })

  it.each([
    [0, 0],
    [0.0004, 0],
    [0.9996, 1],
    [1.05, 1.05],
    [12345.678, 12345.678],
    [-1, 0],
    [Number.NaN, 0],
  ])('writes %d ms as %d', (given, written) => {
    expect(JSON.parse(auditLine(auditRecord({ totalMs: given }), 0)).ms).toBe(written)
  })

  it('tells each record as it is, however many alike came before', () => {
    const changes = fc.record({
      route: fc.constantFrom('github', 'zendesk', undefined),
      outcome: fc.constantFrom('forwarded', 'refused' as const),
      status: fc.constantFrom(200, 401),
      source: fc.constantFrom('198.51.100.7', '2001:db8::7'),
      principal: fc.constantFrom('github', 'J\u00fcrgen \u6f22', undefined),
      keyName: fc.constantFrom('current', undefined),
      eventId: fc.constantFrom('evt-1', 'evt-2', undefined),
      path: fc.constantFrom('/hooks/github', '/hooks/zendesk'),
    })
    fc.assert(
      fc.property(fc.array(fc.tuple(changes, fc.integer({ min: 1, max: 40 })), { maxLength: 8 }), series => {
        for (const [change, times] of series)
          for (let i = 0; i < times; i++) {
            const { principal, keyName, eventId, route, outcome, ...rest } = change
            const told = JSON.parse(auditLine(auditRecord(change), 0))
            expect(told).toMatchObject({ ...rest, msg: outcome })
            expect([told.route, told.principal, told.key, told['event-id']]).toEqual([
              route,
              principal,
              keyName,
              eventId,
            ])
          }
      }),
    )
  })

  it('keeps to one short line whatever the sender wrote', () => {
    const nasty = `/\n\u001b[31m"\\\u202e\u2028${'a'.repeat(20_000)}`
    const line = auditLine(
      auditRecord({
        path: nasty,
        method: nasty,
        eventId: nasty,
        principal: nasty,
        evidence: { header: nasty, list: [nasty] },
      }),
      0,
    )
    expect(line).toMatch(/^[ -~]+\n$/)
    expect(line.length).toBeLessThan(6000)
    expect(JSON.parse(line).path).toMatch(/^\/\n/)
  })

  it('never writes a secret that found its way into the evidence', () => {
    const secret = new Secret(Buffer.from('canary-value-78'))
    const lines: string[] = []
    const log = createLog({ destination: { write: text => lines.push(text) } })
    const record = createRecorder({ log, metrics: createMetrics({ version: '0' }) })
    // What a careless cast would let through the types.
    const evidence = JSON.parse('{}')
    evidence.secret = secret
    evidence.key = secret.bytes()
    evidence.text = `${secret}`
    record(auditRecord({ outcome: 'refused', code: 'x.y', evidence }))
    log.error('thrown', { error: new Error(`no ${secret}`, { cause: secret }), secret, bytes: secret.bytes() })
    expect(lines).toHaveLength(2)
    expect(lines.join('')).toContain(secret.fingerprint)
    expect(lines.join('')).not.toMatch(/canary|99,97,110/)
  })

  it('counts and writes each request once, and writes nothing below the level', async () => {
    const lines: string[] = []
    const log = createLog({ destination: { write: text => lines.push(text) }, level: 'warn' })
    const metrics = createMetrics({ version: '0' })
    metrics.setRoutes([{ name: 'github', online: true }])
    const record = createRecorder({ log, metrics })
    record(auditRecord())
    record(auditRecord({ outcome: 'refused', code: 'body-limit.exceeded' }))
    expect(lines).toHaveLength(1)
    const text = await metrics.render()
    expect(text).toContain('sallyport_requests_total{route="github",outcome="forwarded",code=""} 1')
    expect(text).toContain('sallyport_requests_total{route="github",outcome="refused",code="body-limit.exceeded"} 1')
  })
})
