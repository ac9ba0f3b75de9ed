import { expect, it } from 'vitest'
import { Deliveries } from '../../../src/gateway/telemetry/deliveries.ts'
import { createLog } from '../../../src/observe/log.ts'
import type { TelemetryReading, TelemetryTrouble } from '../../../src/observe/telemetry-metrics.ts'

const MINUTE = 60_000
const AWAY: TelemetryTrouble = { to: 'otlp.test/v1/traces', said: 'ECONNREFUSED', remedy: 'see whether it is reached' }
const LOCKED: TelemetryTrouble = { to: 'otlp.test/v1/metrics', said: 'it answered 401', remedy: 'see to the bearer' }

function watched() {
  let now = 0
  const lines: Record<string, unknown>[] = []
  const log = createLog({ destination: { write: text => lines.push(JSON.parse(text)) } })
  const deliveries = new Deliveries(log, { monotonic: () => now })
  return {
    deliveries,
    pass: (ms: number) => {
      now += ms
    },
    told: () => lines.splice(0).map(({ msg, said, 'spans-lost': lost }) => [msg, said, lost]),
  }
}

const reading = (trouble: TelemetryReading['trouble'], failed = 0, dropped = 0): TelemetryReading => ({
  spans: { exported: 0, failed, dropped },
  metrics: { exported: 0, failed: 0, dropped: 0 },
  trouble,
})

it('one cause is told once, again every ten minutes with what was lost, and at its end', () => {
  const { deliveries, pass, told } = watched()
  deliveries.look(reading({}, 5))
  expect(told()).toEqual([])
  for (let minute = 0; minute < 10; minute++) {
    deliveries.look(reading({ spans: AWAY, metrics: { ...AWAY, to: 'otlp.test/v1/metrics' } }, 5 + minute, 2))
    pass(MINUTE)
  }
  expect(told()).toEqual([['telemetry not delivered', 'ECONNREFUSED', 2]])
  deliveries.look(reading({ metrics: AWAY }, 700, 5))
  expect(told()).toEqual([['telemetry not delivered', 'ECONNREFUSED', 700]])
  deliveries.look(reading({}, 800, 5))
  deliveries.look(reading({}, 800, 5))
  expect(told()).toEqual([['telemetry delivered again', undefined, 800]])
  // Another time, and what was lost before is not counted again.
  deliveries.look(reading({ spans: AWAY }, 801, 5))
  expect(told()).toEqual([['telemetry not delivered', 'ECONNREFUSED', 1]])
})

it('another cause is told of beside the first, and both end as one', () => {
  const { deliveries, told } = watched()
  deliveries.look(reading({ spans: AWAY }))
  deliveries.look(reading({ spans: AWAY, metrics: LOCKED }))
  deliveries.look(reading({ metrics: LOCKED }))
  deliveries.look(reading({ spans: { ...AWAY, said: 'ETIMEDOUT' }, metrics: LOCKED }))
  expect(told().map(([, said]) => said)).toEqual(['ECONNREFUSED', 'it answered 401'])
  deliveries.look(reading({}))
  expect(told()).toEqual([['telemetry delivered again', undefined, 0]])
})

it('the end tells what was lost since, and nothing where nothing was', () => {
  const { deliveries, told } = watched()
  deliveries.look(reading({ spans: AWAY }))
  told()
  deliveries.end(reading({ spans: AWAY }))
  expect(told()).toEqual([])
  deliveries.end(reading({ spans: AWAY }, 3, 1))
  expect(told()).toEqual([['telemetry not delivered', 'ECONNREFUSED', 4]])
})

it('telemetry that is taken out ends in silence', () => {
  const { deliveries, told } = watched()
  deliveries.look(reading({ spans: AWAY }))
  told()
  deliveries.forget()
  deliveries.look(reading({}))
  expect(told()).toEqual([])
})
