import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { isPlaceholder, PLACEHOLDERS } from '../../src/core/placeholder.ts'

/** The same bytes at every run. */
const bytes = (seed: string, length: number): Buffer =>
  createHash('shake256', { outputLength: length }).update(seed).digest()
const lettersOf = (alphabet: string, seed: string, length: number): string =>
  [...bytes(seed, length)].map(byte => alphabet.charAt(byte % alphabet.length)).join('')

const PRINTABLE = Array.from({ length: 94 }, (_, at) => String.fromCharCode(33 + at)).join('')
const WORD = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_'

describe('a placeholder', () => {
  it.each([
    ...PLACEHOLDERS,
    '$'.concat('{GITHUB_SECRET}'),
    '$'.concat('{SECRET:-none}'),
    '$(cat /run/secrets/hook)',
    '$WEBHOOK_SECRET',
    '$secret',
    '{{vault.secret}}',
    '{{ .Values.secret }}',
    '<YOUR_SECRET>',
    '<your token here>',
    '%SECRET%',
    'xxxx',
    '********',
    '...',
    'ChangeMe',
    'REPLACE-THIS',
    'yourtoken',
    'my_api_key',
    'the-token',
    'your-github-webhook-secret',
    'your_secret_key',
    'YOUR API KEY HERE',
    'insert-your-signing-secret-here',
  ])('is %s', text => expect(isPlaceholder(text)).toBe(true))

  it.each([
    '',
    'xx',
    'a<b>',
    '$tr0ngP4ss',
    '$ecret99',
    '$aG7k2_pQ9x',
    'pa$$word$HOME',
    '<x9K-fe2Q>',
    '%aB3x%',
    'changes-in-my-life-4',
    'your-4f9c2a',
    'your-voice-is-lovely-today',
    'the-monkey-lost-a-key',
    'my-donkey',
    'whsec_xxxx',
    'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    '00000000-0000-4000-8000-000000000000',
    'deadbeefdeadbeef',
    'bnVsbA==',
    '{"kty":"oct","k":"xxxx"}',
    `\${${'A'.repeat(70)}}`,
  ])('is not %s', text => expect(isPlaceholder(text)).toBe(false))

  it('is no secret that a generator made', () => {
    const taken: string[] = []
    for (let at = 0; at < 5_000; at++) {
      const length = 12 + (at % 30)
      const word = lettersOf(WORD, `word ${at}`, length)
      const drawn = bytes(`drawn ${at}`, length)
      for (const text of [
        drawn.toString('base64'),
        drawn.toString('base64url'),
        drawn.toString('hex'),
        drawn.toString('hex').toUpperCase(),
        `whsec_${drawn.toString('base64')}`,
        lettersOf(PRINTABLE, `printable ${at}`, length),
        word,
        `$${word}`,
        `<${word}>`,
        `%${word}%`,
      ])
        if (isPlaceholder(text)) taken.push(text)
    }
    expect(taken).toEqual([])
  })

  it('is told at once of whatever text', () => {
    const from = performance.now()
    for (const part of ['my', 'your-a', 'your api', 'secret', 'key', 'a_', '_a', '$A_', '${a', '<a '])
      for (const end of ['', '!', '>']) isPlaceholder(`your${part.repeat(64)}`.slice(0, 63) + end)
    expect(performance.now() - from).toBeLessThan(200)
  })
})
