import { constants, createPrivateKey, hash, sign, verify } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { z } from 'zod'
import type { BodyRequest, HeadRequest } from '../../core/request.ts'
import { decodeUpTo } from '../encoding.ts'
import { withFixedHeader } from '../fixed-header.ts'
import type { Provider } from '../provider.ts'
import { certificatesBy, type Publisher } from '../published-certificate.ts'
import { fault, type Scheme, type SignatureFault } from '../scheme.ts'
import { withSettings } from '../settings.ts'
import { readTimestamp, writeTimestamp } from '../timestamp.ts'

const ID = 'PAYPAL-TRANSMISSION-ID'
const TIME = 'PAYPAL-TRANSMISSION-TIME'
const SIGNATURE = 'PAYPAL-TRANSMISSION-SIG'
const CERTIFICATE = 'PAYPAL-CERT-URL'
const LONGEST_BYTES = 1024

const paypalsOwn: Publisher = {
  url: /^https:\/\/(?:[a-z0-9-]{1,63}\.){1,4}paypal\.com\/v1\/notifications\/certs\/[A-Za-z0-9_-]{1,128}$/,
  host: /^(?:[a-z0-9-]+\.)+paypal\.com$/,
}

interface Read {
  readonly id: string
  readonly time: string
  readonly at: number
  readonly signature: Buffer
  readonly certificate: string
}

function read(request: HeadRequest): Read | SignatureFault {
  const values: string[] = []
  for (const header of [ID, TIME, SIGNATURE, CERTIFICATE]) {
    const value = request.headers.one(header.toLowerCase())
    if (value === undefined || value === '') return fault('signature.missing', { header })
    if (value === null) return malformed(header, 'the header comes more than once')
    values.push(value)
  }
  const [id = '', time = '', text = '', certificate = ''] = values
  // The parts are joined with "|", which none of them may hold.
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(id)) return malformed(ID, 'it is no id of a transmission')
  const at = readTimestamp(time, 'iso')
  if (at === undefined) return malformed(TIME, 'the timestamp is not written in unit iso')
  const signature = decodeUpTo('base64', text, 0, text.length, LONGEST_BYTES)
  if (signature === undefined) return malformed(SIGNATURE, `the signature is not 1 to ${LONGEST_BYTES} bytes in base64`)
  if (!paypalsOwn.url.test(certificate))
    return malformed(CERTIFICATE, "it is no https URL among PayPal's own certificates")
  return { id, time, at, signature, certificate }
}

const malformed = (header: string, why: string): SignatureFault => fault('signature.malformed', { header, why })

/** What PayPal's page calls the original message string of its self verification method. */
const signedText = (id: string, time: string, webhookId: string, body: Buffer): Buffer =>
  Buffer.from(`${id}|${time}|${webhookId}|${crc32(body)}`)

function schemeOf(webhookId: string): Scheme {
  return withFixedHeader('PAYPAL-AUTH-ALGO', 'SHA256withRSA', {
    kind: 'rsa-sha256',
    headers: [ID, TIME, SIGNATURE, CERTIFICATE],
    tolerance: undefined,
    verifier(_keys, _toleranceMs, resources) {
      const certified = certificatesBy(paypalsOwn, resources)
      return {
        foresee(request) {
          const found = read(request)
          return 'ok' in found ? found : undefined
        },
        verify(request: BodyRequest) {
          const found = read(request)
          if ('ok' in found) return found
          const { id, time, at, signature, certificate } = found
          const data = signedText(id, time, webhookId, request.raw)
          return certified(certificate, (key, nowMs) =>
            verify('sha256', data, { key, padding: constants.RSA_PKCS1_PADDING }, signature)
              ? { ok: true, key: 'certificate', nonce: hash('sha256', data, 'hex'), id: undefined, timestamp: at }
              : fault('signature.mismatch', {
                  header: SIGNATURE,
                  certificate,
                  'webhook-id': webhookId,
                  'timestamp-skew-s': Math.round((nowMs - at) / 1000),
                  'body-bytes': request.raw.length,
                }),
          )
        },
      }
    },
    sign(der, { body, nowMs, id }) {
      const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
      const time = writeTimestamp(nowMs, 'iso')
      const data = signedText(id, time, webhookId, body)
      return [
        [ID, id],
        [TIME, time],
        [SIGNATURE, sign('sha256', data, { key, padding: constants.RSA_PKCS1_PADDING }).toString('base64')],
        [CERTIFICATE, 'https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1d93a270'],
      ]
    },
  })
}

export const paypal: Provider = {
  id: 'paypal',
  name: 'PayPal',
  page: 'https://developer.paypal.com/api/rest/webhooks/rest/',
  summary:
    "RSA with SHA-256 over transmission id, its time, the webhook's id and the CRC-32 of the raw body, base64, in PAYPAL-TRANSMISSION-SIG; the certificate is fetched from PayPal.",
  ...withSettings(
    {
      'webhook-id': z
        .string()
        .regex(/^[A-Za-z0-9_]{1,50}$/, 'must be the id that PayPal shows beside the webhook: letters and digits')
        .describe('The id that PayPal gave the webhook (Developer Dashboard: the application, Webhooks). No secret.'),
    },
    { 'webhook-id': '0FV983392A0531201' },
    values => schemeOf(values['webhook-id']),
  ),
  eventId: { json: ['id'], signed: false },
  traps: [
    'The signature binds the body by its CRC-32 alone, which anyone can keep while changing the body: whoever captures one request can send others under its signature, once each unless replay remembers it. Keep replay, and ask PayPal again about what moves money.',
    'The id of the event is part of the body, so it counts as unsigned: replay remembers what was signed beside it.',
    "The webhook's id is signed and is not in the request: a message for another webhook of PayPal's is a mismatch.",
    'Mock events of the simulator are signed for a webhook-id that is the word WEBHOOK_ID.',
    "The certificate is taken from /v1/notifications/certs/ of PayPal's own hosts alone, over https; its host name and its dates are checked, and that each certificate sent with it issued the one before. The gate needs a way out to api.paypal.com or api.sandbox.paypal.com.",
    'PayPal names no tolerance for the signed time, and tries again for three days: none is checked.',
  ],
  response: '2xx; else it is sent again, up to 25 times over 3 days.',
}
