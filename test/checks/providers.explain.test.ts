import { describe, expect, it } from 'vitest'
import { signature } from '../../src/checks/signature.ts'
import type { Finding } from '../../src/core/finding.ts'
import { Secret } from '../../src/core/secret.ts'
import { signerKey } from '../../src/signing/provider.ts'
import { signMessage } from '../../src/signing/scheme.ts'
import { credentials, keyed } from '../support/signed.ts'
import { explained } from './explained.ts'
import { fakeRequest, fakeResources, NOW } from './fakes.ts'
import { configOf } from './sent.ts'

const BODY = '{"id":"evt_1","data":{"name":"Grüße","amount":1.50}}'
const URL_GIVEN = 'https://gate.example/hooks/x'

interface Trial {
  /** What the sender holds. */
  readonly held: string
  /** What the config is given. */
  readonly given: string
  readonly nowMs?: number
  /** What comes, of the body that was signed. */
  readonly change?: (body: Buffer) => Buffer
}

/** The first finding, or `undefined` where the gate takes the request all the same. */
async function firstOf(
  provider: (typeof keyed)[number],
  { held, given, nowMs = NOW, change = body => body }: Trial,
): Promise<Finding | undefined> {
  const form = provider.accept?.includes('form') === true
  const message = {
    method: 'POST',
    url: URL_GIVEN,
    body: Buffer.from(form ? 'a=1&b=x+y' : BODY),
    contentType: form ? 'application/x-www-form-urlencoded' : 'application/json',
    nowMs,
    id: 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W',
  }
  const sent = signMessage(provider.scheme, signerKey(provider, new Secret(Buffer.from(held))), message)
  const target = sent.url.slice('https://gate.example'.length)
  const request = fakeRequest({
    target,
    body: change(sent.body),
    headers: { 'Content-Type': message.contentType, ...Object.fromEntries(sent.headers) },
  })
  try {
    const { findings } = await explained(signature, {
      config: configOf(provider.id),
      request: { ...request, publicUrl: sent.url },
      resources: fakeResources({ secrets: { SECRET: given } }),
    })
    return findings[0]
  } catch (error) {
    if (String(error).includes('did not refuse')) return undefined
    throw error
  }
}

const takes = (text: string, { secret }: (typeof keyed)[number]): boolean => {
  try {
    return secret?.parse(new Secret(Buffer.from(text))).toString() === text
  } catch {
    return false
  }
}
/** Those whose secret is the text that it is, quotation marks included. */
const byText = keyed.filter(provider => takes(`"${provider.secret?.create() ?? ''}"`, provider))
const timed = keyed.filter(({ scheme }) => scheme.tolerance !== undefined)

describe('every provider', () => {
  it.each(keyed.map(provider => [provider.id, provider] as const))(
    '%s: of a strange key nothing is proven',
    async (_id, provider) => {
      const { given } = credentials(provider)
      const { held } = credentials(provider)
      const first = await firstOf(provider, { held, given })
      expect(first?.certainty).not.toBe('proven')
    },
  )

  it.each(byText.map(provider => [provider.id, provider] as const))(
    '%s: quotation marks around the secret',
    async (_id, provider) => {
      const { held, given } = credentials(provider)
      const first = await firstOf(provider, { held, given: `"${given}"` })
      if (first === undefined) return
      expect(first).toMatchObject({ cause: 'signature.secret-quotes', certainty: 'proven' })
    },
  )

  it.each(timed.map(provider => [provider.id, provider] as const))(
    '%s: a clock that is ahead',
    async (_id, provider) => {
      const { held, given } = credentials(provider)
      const first = await firstOf(provider, { held, given, nowMs: NOW + 1_000_000 })
      expect(first).toMatchObject({ cause: 'signature.clock-ahead' })
    },
  )

  it.each(
    keyed
      .filter(({ scheme, accept }) => scheme.partOfBody !== true && accept === undefined)
      .map(provider => [provider.id, provider] as const),
  )('%s: a line feed more at the end of the body', async (_id, provider) => {
    const { held, given } = credentials(provider)
    const first = await firstOf(provider, { held, given, change: body => Buffer.concat([body, Buffer.from('\n')]) })
    if (first === undefined) return
    expect(first).toMatchObject({ cause: 'signature.body-line-end', certainty: 'proven' })
  })
})

it('there is something to try', () => {
  expect(byText.length).toBeGreaterThan(30)
  expect(timed.length).toBeGreaterThan(15)
})
