import { describe, expect, it } from 'vitest'
import { Sessions, sessionCookie, sessionOf } from '../../src/console/sessions.ts'
import { frozenClock } from '../../src/core/clock.ts'

const HOUR = 3_600_000
const TOKEN = Buffer.alloc(32, 1)
const OTHER = Buffer.alloc(32, 2)

describe('a session', () => {
  it('is held while it is used, and ends an hour after', () => {
    const clock = frozenClock(0)
    const sessions = new Sessions(clock)
    const id = sessions.open(TOKEN)
    for (let i = 0; i < 5; i++) {
      clock.advance(HOUR - 1)
      expect(sessions.holds(id, TOKEN)).toBe(true)
    }
    clock.advance(HOUR)
    expect(sessions.holds(id, TOKEN)).toBe(false)
  })

  it('ends a week after the login, however much it is used', () => {
    const clock = frozenClock(0)
    const sessions = new Sessions(clock)
    const id = sessions.open(TOKEN)
    for (let hours = 0; hours < 7 * 24 * 2 - 1; hours++) {
      clock.advance(HOUR / 2)
      expect(sessions.holds(id, TOKEN)).toBe(true)
    }
    clock.advance(HOUR / 2)
    expect(sessions.holds(id, TOKEN)).toBe(false)
  })

  it('ends with its token, and with the logout', () => {
    const sessions = new Sessions(frozenClock(0))
    const [one, two] = [sessions.open(TOKEN), sessions.open(TOKEN)]
    expect(one).not.toBe(two)
    expect(sessions.holds(one, OTHER)).toBe(false)
    expect(sessions.holds(one, TOKEN), 'it was asked with another token').toBe(false)
    sessions.close(two)
    expect(sessions.holds(two, TOKEN)).toBe(false)
  })

  it('is one of a hundred: the longest unused makes room', () => {
    const clock = frozenClock(0)
    const sessions = new Sessions(clock)
    const ids = Array.from({ length: 100 }, () => sessions.open(TOKEN))
    expect(sessions.holds(ids[0] ?? '', TOKEN)).toBe(true)
    sessions.open(TOKEN)
    expect(ids.map(id => sessions.holds(id, TOKEN)).indexOf(false)).toBe(1)
  })

  it.each(['', 'x', '__proto__', 'constructor'])('is not %j', id => {
    expect(new Sessions(frozenClock(0)).holds(id, TOKEN)).toBe(false)
  })
})

describe('its cookie', () => {
  it('is for this gate, this site and no script', () => {
    expect(sessionCookie({ host: '127.0.0.1:9901', origin: 'http://127.0.0.1:9901' }, 'abc')).toBe(
      'sallyport-9901=abc; Path=/; HttpOnly; SameSite=Strict',
    )
  })

  it('is Secure where the browser came by HTTPS', () => {
    expect(sessionCookie({ host: 'gate.example', origin: 'https://gate.example' }, 'abc')).toContain('; Secure')
  })

  it('is taken away by the logout', () => {
    expect(sessionCookie({ host: 'a:1' }, undefined)).toContain('Max-Age=0')
  })

  it.each([
    ['alone', 'sallyport-9901=abc', 'abc'],
    ['among others', 'a=b; sallyport-9901=abc; c=d', 'abc'],
    ['of another gate', 'sallyport-9902=abc', undefined],
    ['twice', 'sallyport-9901=abc; sallyport-9901=def', undefined],
    ['not at all', '', undefined],
  ])('is read where it stands %s', (_where, cookie, id) => {
    expect(sessionOf({ cookie, host: '127.0.0.1:9901' })).toBe(id)
  })
})
