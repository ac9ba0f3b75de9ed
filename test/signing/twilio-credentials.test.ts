import { getExpectedTwilioSignature } from 'twilio/lib/webhooks/webhooks.js'
import { describe, expect, it } from 'vitest'
import { signature } from '../../src/checks/signature.ts'
import { Offline } from '../../src/core/resources.ts'
import { outcome, type Sent, URL_GIVEN } from '../checks/sent.ts'
import { compile, fakeRequest, fakeResources } from '../checks/testCheck.ts'

const TOKEN = '0123456789abcdef0123456789abcdef'
const config = (more: object = { 'url-credentials': { env: 'URL_CREDENTIALS' } }) => ({
  provider: 'twilio',
  secrets: [{ env: 'SECRET' }],
  ...more,
})

function gate(credentials: string, given = config()) {
  const resources = fakeResources({ secrets: { SECRET: TOKEN, URL_CREDENTIALS: credentials } })
  const check = compile(signature, given, resources)
  return ({ headers, body }: Sent) => {
    const decision = check.decide({ ...fakeRequest({ headers, body }), publicUrl: URL_GIVEN }, {})
    if (decision instanceof Promise) throw new Error('a secret of the config answers at once')
    return decision
  }
}

/** Signed by Twilio's library for the URL with those credentials. */
function sent(credentials: string): Sent {
  const url = URL_GIVEN.replace('://', () => `://${credentials}`)
  return {
    headers: {
      'Content-Type': 'application/x-www-form-urlencoded',
      'X-Twilio-Signature': getExpectedTwilioSignature(TOKEN, url, { Body: 'hello' }),
    },
    body: 'Body=hello',
  }
}

describe('a URL of Twilio with credentials', () => {
  it.each(['user', 'user:password', 'user:12345', 'us%40er:pa%2Fss', '$&:$1'])(
    'is signed with them: %s',
    credentials => {
      expect(outcome(gate(credentials)(sent(`${credentials}@`)))).toBe('ok')
      expect(outcome(gate('another')(sent(`${credentials}@`)))).toBe('signature.mismatch')
      expect(outcome(gate(credentials)(sent('')))).toBe('signature.mismatch')
      expect(outcome(gate(credentials, config({}))(sent(`${credentials}@`)))).toBe('signature.mismatch')
    },
  )

  it('is not shown by a refusal', () => {
    expect(JSON.stringify(gate('user:password')(sent('')))).not.toMatch(/user|password/)
  })

  it.each(['user@', 'user@host.example/x', 'a b', 'https://user'])('takes its route offline where they are %j', bad => {
    expect(() => gate(bad)).toThrow(Offline)
  })

  it('takes no credentials for another provider', () => {
    expect(signature.config.safeParse({ ...config(), provider: 'github' }).success).toBe(false)
  })
})
