import { describe, expect, it } from 'vitest'
import { answerClues } from '../../src/forward/answer-clues.ts'

const clues = (status: number, headers: readonly string[], body = '') =>
  answerClues({ ok: true, status, headers: [...headers], body: Buffer.from(body) })
const challenge = (...values: readonly string[]) =>
  clues(
    401,
    values.flatMap(value => ['www-authenticate', value]),
  )

describe('what an answer says of why it refuses', () => {
  it.each([
    [['Bearer'], { 'asks-for': ['Bearer'] }],
    [['Basic realm="x, Digest y", charset="UTF-8"'], { 'asks-for': ['Basic'] }],
    [
      ['Newauth realm="apps", type=1, title="Login to \\"apps\\"", Basic realm="simple"'],
      { 'asks-for': ['Newauth', 'Basic'] },
    ],
    [['Bearer', 'Basic realm="b"'], { 'asks-for': ['Bearer', 'Basic'] }],
    [['Bearer realm="r", error="invalid_token"'], { 'asks-for': ['Bearer'], error: 'invalid_token' }],
    [
      ['Bearer error=insufficient_scope, scope="a:read b"'],
      { 'asks-for': ['Bearer'], error: 'insufficient_scope', scope: 'a:read b' },
    ],
  ])('by the challenge %j (RFC 9110 section 11.6.1, RFC 6750 section 3)', (values, evidence) => {
    expect(challenge(...values)).toEqual(evidence)
  })

  it('by words of its body, and not by those inside of other words', () => {
    expect(clues(403, [], 'The API-Key has expired')).toEqual({ names: ['expired', 'token'] })
    expect(clues(422, [], '{"zip":"missing","description":"a microscope, shipped"}')).toBeUndefined()
  })

  it('of 4xx alone, and of a body that can be read', () => {
    for (const status of [200, 302, 500]) expect(clues(status, ['www-authenticate', 'Basic'], 'token')).toBeUndefined()
    expect(clues(401, ['content-encoding', 'br'], 'token')).toBeUndefined()
    expect(clues(401, [], `${' '.repeat(4096)}token`)).toBeUndefined()
  })

  it('at no more cost where the challenge is made to cost', () => {
    expect(challenge(`Basic realm="${'\\"'.repeat(30_000)}`)).toEqual({ 'asks-for': ['Basic'] })
  })
})
