import { describe, expect, it } from 'vitest'
import { readTraceparent } from '../../../src/core/trace.ts'
import { Tracing } from '../../../src/observe/otlp/tracing.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'

describe('a traceparent', () => {
  it('is read in this version, and in later ones that add to it', () => {
    const parent = { traceId: TRACE, spanId: SPAN, sampled: true }
    expect(readTraceparent(`00-${TRACE}-${SPAN}-01`)).toEqual(parent)
    expect(readTraceparent(`00-${TRACE}-${SPAN}-02`)).toEqual({ ...parent, sampled: false })
    expect(readTraceparent(`cc-${TRACE}-${SPAN}-01-what-is-new`)).toEqual(parent)
  })

  it.each([
    '',
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE}-${SPAN}-01-more`,
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE}-${SPAN}-1`,
    ` 00-${TRACE}-${SPAN}-01`,
  ])('is none: %j', text => {
    expect(readTraceparent(text)).toBeUndefined()
  })
})

describe('tracing', () => {
  const tracing = (sample: number) => new Tracing(sample, () => undefined)

  it('samples about the share that it is told to, and all or none at its ends', () => {
    const count = (sample: number) => {
      const one = tracing(sample)
      return Array.from({ length: 4000 }, () => one.start()).filter(({ sampled }) => sampled).length
    }
    expect([count(0), count(1)]).toEqual([0, 4000])
    // Eight standard deviations.
    expect(Math.abs(count(0.25) - 1000)).toBeLessThan(220)
  })

  it('goes on with a trace as its parent has decided', () => {
    for (const [flags, sampled] of [
      ['01', true],
      ['00', false],
    ] as const) {
      const trace = tracing(sampled ? 0 : 1).start(`00-${TRACE}-${SPAN}-${flags}`, 'vendor=1')
      expect(trace).toMatchObject({ traceId: TRACE, parentId: SPAN, sampled, tracestate: 'vendor=1' })
      expect(trace.traceparent).toBe(`00-${TRACE}-${trace.clientId}-${flags}`)
    }
  })

  it('begins anew where the field can not be read, and drops the state with it', () => {
    const trace = tracing(1).start('00-abc', 'vendor=1')
    expect(trace).toMatchObject({ parentId: undefined, tracestate: undefined, sampled: true })
    expect(tracing(1).start(`00-${TRACE}-${SPAN}-01`, 'a\r\nb').tracestate).toBeUndefined()
  })
})
