import { describe, expect, it } from 'vitest'
import { MacKey } from '../../src/signing/mac.ts'
import { gate, outcome, signed } from '../checks/sent.ts'
import { publishedVectors as vectors } from './published.ts'
import { stripePrimitives, type Vector } from './vectors.ts'

/** What the vector comes to, with this body. */
function judged({ provider, secret, now, url, method, headers }: Vector, body: string): string {
  const check = gate(provider, secret, now === undefined ? undefined : Date.parse(now))
  return outcome(
    check({ headers, body, ...(url === undefined ? {} : { url }), ...(method === undefined ? {} : { method }) }),
  )
}

describe('published vectors', () => {
  it.each(vectors)('$provider: $name', vector => {
    expect(judged(vector, vector.body)).toBe(vector.code ?? 'ok')
  })

  it.each(vectors.filter(vector => vector.code === undefined))(
    '$provider: $name, with one byte of the body changed',
    vector => {
      const changed = vector.body.replace(/[a-z](?=[^a-z]*$)/, letter => (letter === 'x' ? 'y' : 'x')) || 'x'
      expect(changed).not.toBe(vector.body)
      expect(judged(vector, changed)).toMatch(/^signature\.(mismatch|malformed)$/)
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
