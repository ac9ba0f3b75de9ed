import { describe, expect, it } from 'vitest'
import type { SharedWork } from '../../bench/apps/sharing-thread.ts'
import { together } from '../../bench/cases/shared.ts'
import { systemClock } from '../../src/core/clock.ts'
import { MemoryRates } from '../../src/store/memory-rates.ts'
import { Seats } from '../../src/store/seats.ts'
import { createSharedState, MAIN_SEAT, type SharedState } from '../../src/store/shared-state.ts'

const sources = ({ seats, rates }: SharedState): number =>
  MemoryRates.open(systemClock, rates, new Seats(seats).open(MAIN_SEAT, systemClock)).size

const run = (work: SharedWork, same: boolean, states: readonly SharedState[]) =>
  together({ work, same }, states, 0.05, 0.02)

describe('the threads of the case `shared`', () => {
  it.each(['rate', 'claim', 'pace', 'request'] as const)('tell how much they did of %s, and for what', async work => {
    const state = createSharedState()
    const { perSecond, cpuUs } = await run(work, false, [state, state])
    expect(perSecond).toBeGreaterThan(0)
    expect(cpuUs).toBeGreaterThan(0)
    expect(sources(state) > 1).toBe(work === 'rate' || work === 'request')
  })

  it('count the same source in one table, or each in its own', async () => {
    const [both, one, other] = [createSharedState(), createSharedState(), createSharedState()]
    await run('rate', true, [both, both])
    await run('rate', true, [one, other])
    expect([both, one, other].map(sources)).toEqual([1, 1, 1])
  })

  it('end where the state can not be used', async () => {
    const state = createSharedState({ ledgers: 1 })
    await expect(run('pace', false, [state, state])).rejects.toThrow('there is no room for one more')
  })
})
