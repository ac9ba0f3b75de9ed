import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resolveSecret } from '../../src/config/secrets.ts'
import { SecretRef } from '../../src/core/secret.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-secrets-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function fromFile(bytes: string | Buffer) {
  writeFileSync(join(folder, 'secret'), bytes)
  return resolveSecret(new SecretRef('file', 'secret'), {}, folder)
}

describe('resolveSecret', () => {
  it('takes exactly the bytes that stand there', () => {
    expect(fromFile('pässwörd+/=').secret?.text()).toBe('pässwörd+/=')
    expect(resolveSecret(new SecretRef('env', 'NAME'), { NAME: 'value' }, folder).secret?.text()).toBe('value')
  })

  it.each([
    ['secret\n', 'U+000A LINE FEED as its last character', 'printf %s'],
    ['secret\r\n', 'U+000D CARRIAGE RETURN as character 7 of 8', 'printf %s'],
    ['one\ntwo', 'U+000A LINE FEED as character 4 of 7', 'on one line'],
    [' secret', 'U+0020 SPACE as its first character', 'without blanks'],
    ['se\tcret', 'U+0009 TAB as character 3 of 7', 'without blanks'],
    ['\ufeffsecret', 'U+FEFF BYTE ORDER MARK as its first character', 'copy the secret again'],
    ['sec\u00adret', 'U+00AD SOFT HYPHEN as character 4 of 7', 'copy the secret again'],
    ['😀\u200b', 'U+200B ZERO WIDTH SPACE as its last character', 'copy the secret again'],
    ['Bearer secret', 'begins with "Bearer "', 'the token alone'],
    ['bearer\tsecret', 'begins with "Bearer "', 'the token alone'],
    ['BEARER:secret', 'begins with "Bearer"', 'the token alone'],
    ['“secret”', 'U+201C LEFT DOUBLE QUOTATION MARK as its first character', 'typographic quotes'],
    [Buffer.from([0xff, 0xfe]), 'is no UTF-8 text', 'write it as text'],
    ['x'.repeat(70_000), 'larger than 64 KiB', 'the right file'],
  ])('refuses %j: %s', (bytes, message, mend) => {
    const { secret, problem } = fromFile(bytes)
    expect(secret).toBeUndefined()
    expect(problem?.kind).toBe('malformed')
    expect(problem?.message).toContain(message)
    expect(problem?.mend).toContain(mend)
  })

  it.each(['', '\n', '\n\n', '\r\n\r\n'])('takes a PEM block with the line ends %j behind it', end => {
    const pem = `-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----${end}`
    expect(fromFile(pem).secret?.text()).toBe(pem)
  })

  it.each([
    '$'.concat('{GITHUB_SECRET}'),
    '{{vault.secret}}',
    '<YOUR_SECRET>',
    'your-secret-here',
    'undefined',
    'changeme',
    'REPLACE_ME',
    'xxxx',
    '%SECRET%',
  ])('doubts %s, which nobody has filled in, and takes it', text => {
    const { secret, doubt } = fromFile(text)
    expect(secret?.text()).toBe(text)
    expect(doubt?.message).toContain('a placeholder that was not filled in')
  })

  it('doubts no secret that merely resembles one', () => {
    for (const text of ['changes-in-my-life-4', 'xx', 'your-4f9c2a', '$tr0ngP4ss', 'a<b>', 'whsec_xxxx'])
      expect(fromFile(text).doubt).toBeUndefined()
  })

  it('keeps the value out of what it says', () => {
    for (const spoilt of ['hunter22\n', ' hunter22', 'Bearer hunter22', 'hunter22”', 'hunter\u200b22'])
      expect(JSON.stringify(fromFile(spoilt))).not.toMatch(/hunter/)
  })

  it('calls an absent, empty or unreadable secret missing', () => {
    const missing = (ref: SecretRef, env = {}) => resolveSecret(ref, env, folder).problem
    expect(missing(new SecretRef('env', 'NAME'))).toMatchObject({ kind: 'missing', mend: 'set NAME' })
    expect(missing(new SecretRef('env', 'NAME'), { NAME: '' })).toMatchObject({ kind: 'missing' })
    expect(missing(new SecretRef('file', 'absent'))?.message).toBe('there is no file absent')
    expect(missing(new SecretRef('file', '.'))?.message).toBe('. is a folder')
    expect(fromFile('').problem?.kind).toBe('missing')
  })

  it('takes a PEM whole, line ends included, and nothing that only begins like one', () => {
    const pem = '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2Vw\n-----END PUBLIC KEY-----\n'
    expect(fromFile(pem).secret?.text()).toBe(pem)
    expect(fromFile(`${pem}and more\n`).problem?.kind).toBe('malformed')
  })
})
