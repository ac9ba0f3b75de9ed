import { describe, expect, it } from 'vitest'
import { Challenges } from '../../../src/tls/acme/challenges.ts'
import { proofOf } from '../../../src/tls/acme/documents.ts'

const TOKEN = 'LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0'
const PATH = `/.well-known/acme-challenge/${TOKEN}`

describe('challenges', () => {
  it('answer the exact path of a token while its order is under way', async () => {
    const challenges = new Challenges()
    expect(challenges.answerTo('GET', PATH)).toBeUndefined()
    const withdraw = await challenges.offer({ token: TOKEN, keyAuthorization: 'proof' })
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

  it('of a name are withdrawn by the order that offered them, and not by one that came before', async () => {
    const challenges = new Challenges()
    const [first, second] = await Promise.all(['a', 'b'].map(proof => proofOf('a.example', proof, Date.now())))
    if (first === undefined || second === undefined) throw new Error('no proofs')
    const withdrawFirst = await challenges.offer(first)
    const withdrawSecond = await challenges.offer(second)
    expect(challenges.certificateFor('A.example')).toBeDefined()
    withdrawFirst()
    expect(challenges.offers).toEqual([second])
    expect(challenges.certificateFor('a.example')).toBeDefined()
    withdrawSecond()
    expect(challenges.certificateFor('a.example')).toBeUndefined()
  })

  it('are offered wherever a CA may ask before the CA is told', async () => {
    const [gate, worker] = [new Challenges(), new Challenges()]
    gate.attend(async () => {
      await new Promise(resolve => setImmediate(resolve))
      worker.replace(gate.offers)
    })
    const withdraw = await gate.offer({ token: TOKEN, keyAuthorization: 'proof' })
    expect(worker.answerTo('GET', PATH)).toBe('proof')
    withdraw()
    await new Promise(resolve => setTimeout(resolve, 10))
    expect(worker.answerTo('GET', PATH)).toBeUndefined()
  })
})
