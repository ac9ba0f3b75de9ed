import { describe, expect, it } from 'vitest'
import { SpanQueue } from '../../../src/gateway/telemetry/span-queue.ts'
import { Durations } from '../../../src/observe/otlp/durations.ts'
import { type EndedRequest, Tracing } from '../../../src/observe/otlp/tracing.ts'
import { auditRecord } from '../../observe/audit-record.ts'

const FACTS = { encrypted: true, authority: 'hooks.example.com', version: '1.1', sentMs: undefined }

function ended(record: Parameters<typeof auditRecord>[0] = {}, sentMs?: number): EndedRequest {
  const all: EndedRequest[] = []
  new Tracing(1, each => all.push(each)).start().end(auditRecord(record), { ...FACTS, sentMs }, 1_700_000_000_000)
  const [one] = all
  if (one === undefined) throw new Error('nothing has ended')
  return one
}

describe('the queue of spans', () => {
  it('sends batches one after the other, and drops what a slow receiver leaves no room for', async () => {
    const queue = new SpanQueue()
    const sizes: number[] = []
    let open: (() => void) | undefined
    const opened = new Promise<void>(resolve => {
      open = resolve
    })
    queue.use(async spans => {
      sizes.push(spans.length)
      await opened
      return { failed: sizes.length === 1 ? 12 : 0 }
    })
    for (let i = 0; i < 10_000; i++) queue.push(ended(), undefined)
    // One batch is under way.
    expect(sizes).toEqual([512])
    expect(queue.counts.dropped).toBe(10_000 - 512 - 8_192)
    open?.()
    await queue.flush()
    expect(sizes.reduce((sum, each) => sum + each, 0)).toBe(512 + 8_192)
    expect(queue.counts).toEqual({ exported: 512 + 8_192 - 12, failed: 12, dropped: 1_296 })
  })
})

it('counts what has no answer as failed when it is given up, and an answer that comes later not again', async () => {
  const queue = new SpanQueue()
  const { promise, resolve } = Promise.withResolvers<{ failed: number }>()
  queue.use(() => promise)
  for (let i = 0; i < 512 + 3; i++) queue.push(ended(), undefined)
  queue.giveUp()
  expect(queue.counts).toEqual({ exported: 0, failed: 515, dropped: 0 })
  resolve({ failed: 0 })
  await queue.flush()
  expect(queue.counts).toEqual({ exported: 0, failed: 515, dropped: 0 })
})

it('counts spans, whatever becomes of them: two of a request that was sent upstream', async () => {
  const queue = new SpanQueue()
  const route = { pattern: '/hooks/github', to: 'http://127.0.0.1:3000/in', strip: 0 }
  const { promise, resolve } = Promise.withResolvers<{ failed: number }>()
  queue.use(() => promise)
  for (let i = 0; i < 512 + 8_192 + 3; i++) queue.push(ended({}, 1), route)
  expect(queue.counts.dropped).toBe(6)
  queue.use(() => Promise.reject(new Error('a fault')))
  resolve({ failed: 0 })
  await queue.flush()
  expect(queue.counts).toEqual({ exported: 1_024, failed: 16_384, dropped: 6 })
})

describe('durations', () => {
  it('share one series where there would be too many', () => {
    const durations = new Durations()
    for (let i = 0; i < 2_500; i++)
      durations.add(ended({ outcome: 'refused', code: `made.up-${i}`, status: 400 }), undefined)
    durations.add(ended({ method: 'BREW' }), undefined)
    const { dataPoints } = durations.metric({ startTimeUnixNano: '1', timeUnixNano: '2' }).histogram
    expect(dataPoints).toHaveLength(2_001)
    const overflow = dataPoints.find(({ attributes }) => attributes.some(({ key }) => key === 'otel.metric.overflow'))
    expect(overflow?.count).toBe('501')
  })
})
