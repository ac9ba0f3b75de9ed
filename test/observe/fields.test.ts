import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import { plain, plainFields } from '../../src/observe/fields.ts'

describe('fields', () => {
  it('keeps plain values', () => {
    expect(plain({ a: 1, b: [true, null, 'x'], c: { d: 2n } })).toEqual({ a: 1, b: [true, null, 'x'], c: { d: '2' } })
  })

  it('leaves out what has no value to show', () => {
    expect(plainFields({ a: undefined, b: () => 1, c: Symbol('x') })).toEqual({})
  })

  it('shows bytes by their length only', () => {
    expect(plain({ key: Buffer.from('canary') })).toEqual({ key: '(6 bytes)' })
  })

  it('shows a secret as its fingerprint, however deep and in whatever', () => {
    const secret = new Secret(Buffer.from('canary-value-77'))
    const error = new Error(`failed with ${secret}`, { cause: { secret } })
    const said = inspect(plain({ secret, list: [secret], deep: { er: { error } }, error }), { depth: 9 })
    expect(said).toContain(secret.fingerprint)
    expect(said).not.toContain('canary-value-77')
  })

  it('bounds text, lists, keys and depth', () => {
    expect(plain('x'.repeat(5000))).toHaveLength(1024 + '...(+3976)'.length)
    expect(plain(Array.from({ length: 40 }, (_, i) => i))).toHaveLength(33)
    expect(
      Object.keys(plain(Object.fromEntries(Array.from({ length: 99 }, (_, i) => [`k${i}`, i]))) ?? {}),
    ).toHaveLength(33)
    const ring: Record<string, unknown> = {}
    ring.self = ring
    expect(JSON.stringify(plain(ring))).toBe('{"self":{"self":{"self":{"self":"..."}}}}')
  })

  it('never throws', () => {
    const trap = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('no')
        },
      },
    )
    expect(plain(trap)).toBe('(unreadable)')
    expect(
      plain({
        toJSON: () => {
          throw new Error('no')
        },
      }),
    ).toBe('(unreadable)')
    const self = {
      toJSON(): unknown {
        return this
      },
    }
    expect(plain(self)).toBe('(unreadable)')
  })

  it('does not let a field stand for level, time or msg, or name a prototype', () => {
    expect(plainFields(JSON.parse('{"level":"x","time":"x","msg":"x","__proto__":{"a":1},"ok":1}'))).toEqual({ ok: 1 })
  })

  it('tells an error by name, message, code and cause', () => {
    const error = Object.assign(new Error('no', { cause: new Error('why') }), { code: 'ECONNREFUSED', secretish: 'x' })
    expect(plain(error)).toMatchObject({
      name: 'Error',
      message: 'no',
      code: 'ECONNREFUSED',
      cause: { message: 'why' },
    })
    expect(plain(error)).not.toHaveProperty('secretish')
  })
})
