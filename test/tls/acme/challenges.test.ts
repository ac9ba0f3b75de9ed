import { createSecureContext } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { Challenges } from '../../../src/tls/acme/challenges.ts'

const TOKEN = 'LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0'
const PATH = `/.well-known/acme-challenge/${TOKEN}`

describe('challenges', () => {
  it('answer the exact path of a token while its order is under way', () => {
    const challenges = new Challenges()
    expect(challenges.answerTo('GET', PATH)).toBeUndefined()
    const withdraw = challenges.offerToken(TOKEN, 'proof')
    expect(challenges.answerTo('GET', PATH)).toBe('proof')
    const others = [
      '/',
      '/.well-known/acme-challenge/',
      `${PATH}x`,
      `${PATH}?a`,
      `${PATH}/`,
      PATH.slice(0, -1),
      `/x${PATH}`,
      `//h${PATH}`,
    ]
    for (const other of others) expect(challenges.answerTo('GET', other), other).toBeUndefined()
    for (const method of ['HEAD', 'POST', 'OPTIONS', undefined])
      expect(challenges.answerTo(method, PATH), method).toBeUndefined()
    withdraw()
    expect(challenges.answerTo('GET', PATH)).toBeUndefined()
  })

  it('of a name are withdrawn by the order that offered them, and not by one that came before', () => {
    const challenges = new Challenges()
    const [first, second] = [createSecureContext(), createSecureContext()]
    const withdrawFirst = challenges.offerCertificate('a.example', first)
    const withdrawSecond = challenges.offerCertificate('a.example', second)
    withdrawFirst()
    expect(challenges.certificateFor('A.example')).toBe(second)
    withdrawSecond()
    expect(challenges.certificateFor('a.example')).toBeUndefined()
  })
})
