import https, { Agent } from 'node:https'
import { createRequire } from 'node:module'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { signMessage } from '../../src/signing/scheme.ts'
import { provider } from '../checks/sent.ts'
import { type DocumentHost, startDocumentHost } from '../support/document-host.ts'
import { type Published, publish } from '../support/published.ts'

/** Amazon's own validator as the other side: it fetches the certificate itself, over TLS, from the host that SNS names. */

type Members = Record<string, unknown>
type Validate = (message: Members, done: (error: Error | null, message?: unknown) => void) => void
// It is not told to the compiler.
const MessageValidator = createRequire(import.meta.url)('sns-validator') as new () => { validate: Validate }

const HOST = 'sns.eu-central-1.amazonaws.com'
const { globalAgent } = https
let host: DocumentHost
let own: Published

/** To `host` whatever the name, which its certificate must be of. */
class BentAgent extends Agent {
  override createConnection(options: object, ...rest: [never]) {
    return super.createConnection({ ...options, host: '127.0.0.1', port: host.port, servername: HOST }, ...rest)
  }
}

beforeAll(async () => {
  own = await publish({ dns: ['sns.amazonaws.com'] })
  host = await startDocumentHost([HOST], (_req, res) => res.end(own.certificate))
  https.globalAgent = new BentAgent({ ca: host.ca })
})

afterAll(async () => {
  https.globalAgent = globalAgent
  await host.close()
})

const validator = new MessageValidator()
const accepts = (message: Members): Promise<string> =>
  new Promise(resolve => validator.validate(message, error => resolve(error?.message ?? 'ok')))

const CONFIRMATION = {
  Type: 'SubscriptionConfirmation',
  Token: '2336412f37',
  Message: 'You have chosen to subscribe.\nVisit the SubscribeURL.',
  SubscribeURL: `https://${HOST}/?Action=ConfirmSubscription&Token=2336412f37`,
}

function signed(members: Members, versions: readonly number[]): Members {
  const { settings } = provider('aws-sns')
  const scheme = settings?.scheme({ ...settings.example, 'signature-versions': versions })
  if (scheme === undefined) throw new Error('aws-sns has no settings')
  const body = Buffer.from(JSON.stringify(members))
  const message = {
    method: 'POST',
    url: 'https://x.example/',
    contentType: '',
    nowMs: Date.now(),
    id: 'b2384410',
    body,
  }
  return JSON.parse(signMessage(scheme, own.key, message).body.toString()) as Members
}

describe("Amazon's validator", () => {
  const messages: readonly (readonly [string, Members])[] = [
    ['a notification', { Type: 'Notification', Message: 'Grüße 👋\nof two lines', Subject: 'A subject' }],
    ['a notification without a subject', { Type: 'Notification', Message: 'x' }],
    ['a confirmation of a subscription', CONFIRMATION],
  ]

  describe.each([[1], [2]])('version %i', version => {
    it.each(messages)('takes what this project signed: %s', async (_, members) => {
      expect(await accepts(signed(members, [version]))).toBe('ok')
    })

    it.each(messages)('refuses it with any signed member changed: %s', async (_, members) => {
      const message = signed(members, [version])
      const names = ['MessageId', 'Timestamp', 'TopicArn', ...Object.keys(members)].filter(name => name !== 'Type')
      for (const name of names)
        expect(await accepts({ ...message, [name]: `${message[name]} ` }), name).toBe(
          'The message signature is invalid.',
        )
    })
  })

  it('leaves Token out of the confirmation of an end: there this project follows the validator for PHP', async () => {
    const message = signed({ ...CONFIRMATION, Type: 'UnsubscribeConfirmation' }, [2])
    expect(await accepts(message)).toBe('The message signature is invalid.')
  })

  it('has fetched the certificate, once', () => {
    expect(host.asked).toEqual([`${HOST}/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem`])
  })
})
