import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Deadlines } from '../../src/forward/deadlines.ts'

describe('deadlines', () => {
  it('expire in the order they began, each once, and not where they were stopped', async () => {
    const deadlines = new Deadlines(60)
    const expired: string[] = []
    const start = (name: string) => deadlines.start({ expire: ms => expired.push(`${name} after ${ms}`) })
    start('a')
    const b = start('b')
    await sleep(30)
    const c = start('c')
    start('d')
    deadlines.stop(b)
    deadlines.stop(b)
    await sleep(50)
    expect(expired).toEqual(['a after 60'])
    deadlines.stop(c)
    await sleep(40)
    expect(expired).toEqual(['a after 60', 'd after 60'])
    start('e')
    await sleep(90)
    expect(expired.at(-1)).toBe('e after 60')
  })

  it('may be stopped and started while others expire', async () => {
    const deadlines = new Deadlines(20)
    const expired: string[] = []
    const last = { expire: () => expired.push('last') }
    deadlines.start({
      expire: () => {
        expired.push('first')
        deadlines.stop(second)
        deadlines.start(last)
      },
    })
    const second = deadlines.start({ expire: () => expired.push('second') })
    await sleep(80)
    expect(expired).toEqual(['first', 'last'])
  })
})
