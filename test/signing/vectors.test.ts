import { describe, expect, it } from 'vitest'
import { MacKey } from '../../src/signing/mac.ts'
import { gate, outcome, signed } from '../checks/sent.ts'
import { stripePrimitives, vectors } from './vectors.ts'

describe('published vectors', () => {
  it.each(vectors)('$provider: $name', ({ provider, secret, now, url, headers, body, code = 'ok' }) => {
    const check = gate(provider, secret, now === undefined ? undefined : Date.parse(now))
    expect(outcome(check({ headers, body, ...(url === undefined ? {} : { url }) }))).toBe(code)
  })

  it.each(vectors.filter(vector => vector.code === undefined))(
    '$provider: $name, with one byte of the body changed',
    ({ provider, secret, now, url, headers, body }) => {
      const check = gate(provider, secret, now === undefined ? undefined : Date.parse(now))
      const changed = body.replace(/[a-z](?=[^a-z]*$)/, letter => (letter === 'x' ? 'y' : 'x'))
      expect(changed).not.toBe(body)
      expect(outcome(check({ headers, body: changed, ...(url === undefined ? {} : { url }) }))).toBe(
        'signature.mismatch',
      )
    },
  )

  it.each(stripePrimitives)('the MAC under them, of %j', (text, mac) => {
    const key = new MacKey('sha256', Buffer.from('test_secret'))
    expect(key.mac('', Buffer.from(text), '').toString('hex')).toBe(mac)
  })

  it('are made anew by the other direction', () => {
    const [vector] = vectors.filter(({ provider }) => provider === 'github')
    if (!vector) throw new Error('no vector')
    const { headers } = signed('github', vector.secret, Buffer.from(vector.body))
    expect(headers).toMatchObject(vector.headers)
  })
})
