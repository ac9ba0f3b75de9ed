import { describe, expect, it } from 'vitest'
import { reportSecrets } from '../../src/console/secret-status.ts'
import { frozenClock } from '../../src/core/clock.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { auditRecord } from '../observe/audit-record.ts'

const HOUR = 3_600_000
const NOW = Date.UTC(2026, 10, 24, 10)

function world(names: readonly string[], check = 'signature', expires?: number) {
  const clock = frozenClock(NOW)
  const metrics = createMetrics({ version: '1', clock })
  metrics.setRoutes([{ name: 'github', online: true, keys: names }])
  const credentials = names.map(name => ({ route: 'github', check, name, expires }))
  const states = () =>
    Object.fromEntries(
      reportSecrets(credentials, metrics, clock.now()).secrets.map(({ name, state, uses }) => [name, [state, uses]]),
    )
  const use = (keyName: string) => metrics.record(auditRecord({ route: 'github', keyName }))
  return { clock, metrics, states, use }
}

describe('which secret is still used', () => {
  it('follows a rotation from the first use of the new secret to the silence of the old', () => {
    const { clock, states, use } = world(['new', 'old'])
    expect(states()).toEqual({ new: ['unused', 0], old: ['unused', 0] })
    use('old')
    clock.advance(30 * HOUR)
    // Whoever has not changed over yet does not make the new secret one to remove.
    use('old')
    expect(states()).toEqual({ new: ['unused', 0], old: ['in-use', 2] })
    use('new')
    expect(states()).toMatchObject({ old: ['in-use', 2] })
    clock.advance(23 * HOUR)
    use('new')
    expect(states()).toMatchObject({ old: ['in-use', 2] })
    clock.advance(HOUR)
    expect(states()).toEqual({ new: ['in-use', 2], old: ['removable', 2] })
    // Where nobody sends at all, silence says nothing.
    clock.advance(30 * HOUR)
    expect(states()).toMatchObject({ old: ['in-use', 2] })
  })

  it('calls no silent token removable: it is another holder’s', () => {
    const { clock, states, use } = world(['a', 'b'], 'bearer')
    use('a')
    clock.advance(48 * HOUR)
    use('b')
    expect(states()).toEqual({ a: ['in-use', 1], b: ['in-use', 1] })
  })

  it('tells what ends and what has ended', () => {
    expect(world(['a'], 'signature', NOW + 29 * 24 * HOUR).states()).toEqual({ a: ['ends-soon', 0] })
    expect(world(['a'], 'signature', NOW + 31 * 24 * HOUR).states()).toEqual({ a: ['unused', 0] })
    expect(world(['a'], 'signature', NOW - 1).states()).toEqual({ a: ['expired', 0] })
  })

  it('does not tell apart what has one name', () => {
    expect(world(['kb', 'kb'], 'bearer').states()).toEqual({ kb: ['shared', 0] })
  })

  it('shows a series for a secret that was never used, and when one was used last', async () => {
    const { metrics, use, clock } = world(['new', 'old'])
    clock.advance(HOUR)
    use('new')
    const text = await metrics.render()
    expect(text).toContain(
      `sallyport_secret_last_used_timestamp_seconds{route="github",key="new"} ${(NOW + HOUR) / 1000}`,
    )
    expect(text).toContain('sallyport_secret_last_used_timestamp_seconds{route="github",key="old"} 0')
    expect(text).toContain('sallyport_verified_total{route="github",key="old"} 0')
  })
})
