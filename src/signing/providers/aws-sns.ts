import { constants, createPrivateKey, hash, sign, verify } from 'node:crypto'
import { z } from 'zod'
import { decodeUpTo } from '../encoding.ts'
import { readJsonObject } from '../jws.ts'
import type { Provider } from '../provider.ts'
import { certificatesBy, type Publisher } from '../published-certificate.ts'
import { fault, outOfTime, type Scheme, type SignatureFault } from '../scheme.ts'
import { withSettings } from '../settings.ts'
import { malformed, readSnsMessage, type SnsMembers, type SnsMessage, signedText } from '../sns-message.ts'
import { certificatesOf, TOPIC_ARN } from '../sns-topic.ts'
import { readTimestamp } from '../timestamp.ts'

const LONGEST_BYTES = 1024
/** SNS tries for at most an hour, and a message keeps its time; five minutes more for the clocks. */
const TOLERANCE_MS = 65 * 60_000
const RAW = 'x-amz-sns-rawdelivery'
const HASHES: Readonly<Record<string, 'sha1' | 'sha256'>> = { 1: 'sha1', 2: 'sha256' }
const ID = /^[A-Za-z0-9_-]{1,128}$/

const amazonsOwn: Publisher = {
  url: /^https:\/\/sns\.[a-z0-9-]{3,63}\.amazonaws\.com(?:\.cn)?\/SimpleNotificationService-[A-Za-z0-9-]{1,128}\.pem$/,
  host: /^sns(?:-signing\.[a-z0-9-]+|\.[a-z0-9-]+|-[a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?$/,
}

interface Settings {
  readonly topics: ReadonlySet<string>
  /** SignatureVersion, as messages write it; the last signs. */
  readonly versions: readonly string[]
}

interface Read {
  readonly message: SnsMessage
  readonly at: number
  readonly signature: Buffer
  readonly hash: 'sha1' | 'sha256'
}

function read(body: Buffer, { topics, versions }: Settings): Read | SignatureFault {
  const message = readSnsMessage(body)
  if ('ok' in message) return message
  const { MessageId, TopicArn, Timestamp, SignatureVersion, Signature, SigningCertURL } = message
  if (!topics.has(TopicArn))
    return fault('signature.mismatch', { why: 'the topic is not in topic-arns', topic: TopicArn.slice(0, 512) })
  const algorithm = versions.includes(SignatureVersion) ? HASHES[SignatureVersion] : undefined
  if (algorithm === undefined)
    return malformed('SignatureVersion', `it is not ${versions.join(' or ')}, which signature-versions admits`)
  if (!ID.test(MessageId)) return malformed('MessageId', 'it is no id of at most 128 letters, digits, "-" and "_"')
  const at = readTimestamp(Timestamp, 'iso')
  if (at === undefined) return malformed('Timestamp', 'it is not written in unit iso')
  const signature = decodeUpTo('base64', Signature, 0, Signature.length, LONGEST_BYTES)
  if (signature === undefined) return malformed('Signature', `it is not 1 to ${LONGEST_BYTES} bytes in base64`)
  const own = certificatesOf(TopicArn)
  if (own === undefined || !SigningCertURL.startsWith(own) || !amazonsOwn.url.test(SigningCertURL))
    return malformed('SigningCertURL', "it is none of the certificates of SNS in the topic's region")
  return { message, at, signature, hash: algorithm }
}

const PLACE = { member: 'Timestamp' } as const

function schemeOf(settings: Settings): Scheme {
  return {
    kind: 'rsa',
    headers: [],
    tolerance: TOLERANCE_MS,
    verifier(_keys, toleranceMs, resources) {
      const certified = certificatesBy(amazonsOwn, resources)
      return {
        foresee: ({ headers }) =>
          headers.has(RAW)
            ? fault('signature.missing', { why: 'raw message delivery sends no signature', header: RAW })
            : undefined,
        verify({ raw }, nowMs) {
          const found = read(raw, settings)
          if ('ok' in found) return found
          const { message, at, signature, hash: algorithm } = found
          const { MessageId: id, SigningCertURL: certificate, TopicArn: topic, signed } = message
          const late = outOfTime(PLACE, at, nowMs, toleranceMs)
          if (late) return late
          return certified(certificate, (key, thenMs) => {
            if (!verify(algorithm, signed, { key, padding: constants.RSA_PKCS1_PADDING }, signature))
              return fault('signature.mismatch', {
                member: 'Signature',
                certificate,
                topic,
                'timestamp-skew-s': Math.round((thenMs - at) / 1000),
                'body-bytes': raw.length,
              })
            // Asked again, as the certificate may have taken longer than the tolerance left.
            return (
              outOfTime(PLACE, at, thenMs, toleranceMs) ?? {
                ok: true,
                key: 'certificate',
                nonce: hash('sha256', signed, 'hex'),
                id,
                timestamp: at,
              }
            )
          })
        },
      }
    },
    sign: () => [],
    body({ body, nowMs, id }, der) {
      const given = readJsonObject(body)
      const content: SnsMembers =
        given?.Type === undefined ? { Type: 'Notification', Message: body.toString('utf8') } : given
      const [topic = ''] = settings.topics
      const version = settings.versions.at(-1) ?? ''
      const members = { MessageId: id, TopicArn: topic, Timestamp: new Date(nowMs).toISOString(), ...content }
      const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
      const signature = sign(HASHES[version], signedText(members), { key, padding: constants.RSA_PKCS1_PADDING })
      return Buffer.from(
        JSON.stringify({
          ...members,
          SignatureVersion: version,
          Signature: signature.toString('base64'),
          SigningCertURL: `${certificatesOf(topic)}0123456789abcdef0123456789abcdef.pem`,
        }),
      )
    },
  }
}

export const awsSns: Provider = {
  id: 'aws-sns',
  name: 'Amazon SNS',
  page: 'https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html',
  summary:
    'RSA with SHA-256, or with SHA-1 where that is admitted, over names and values of the signed members, base64, in Signature of the JSON body; the certificate is fetched from SNS.',
  ...withSettings(
    {
      'topic-arns': z
        .array(
          z
            .string()
            .regex(TOPIC_ARN, 'must be the ARN of a topic, e.g. arn:aws:sns:eu-central-1:123456789012:crm-events'),
        )
        .min(1, 'an empty list admits nobody: name at least one topic')
        .describe('The topics whose messages are admitted (Amazon SNS: Topics, the topic, ARN). No secret.'),
      'signature-versions': z
        .array(z.literal([1, 2]))
        .min(1, 'an empty list admits nobody: name 2, or 1 and 2')
        .optional()
        .describe(
          'Default [2], SHA-256. [1, 2] admits SHA-1 too, which a topic uses until its SignatureVersion is set to 2.',
        ),
    },
    { 'topic-arns': ['arn:aws:sns:eu-central-1:123456789012:crm-events'] },
    values =>
      schemeOf({
        topics: new Set(values['topic-arns']),
        versions: (values['signature-versions'] ?? [2]).toSorted().map(String),
      }),
  ),
  eventId: { json: ['MessageId'] },
  traps: [
    'A topic signs with SHA-1 (version 1) until told otherwise, and version 1 is refused by default: whoever can publish to a topic chooses what is signed, and could make two messages of one SHA-1. Set it once: aws sns set-topic-attributes --topic-arn ARN --attribute-name SignatureVersion --attribute-value 2. For a topic that is not yours, write signature-versions: [1, 2].',
    'SNS sends its JSON as text/plain, and the upstream then gets it as one JSON string, to be parsed once more. To get the object, set headerContentType to application/json in the delivery policy of the subscription (requestPolicy) or of the topic (defaultRequestPolicy). Accept text as well: the confirmation may come before the policy holds.',
    'A new subscription sends a SubscriptionConfirmation, which goes to the upstream like any other message: have it fetch SubscribeURL, which is signed, or use Token. The gate fetches nothing that a message names but the certificate.',
    'UnsubscribeURL, MessageAttributes and the headers x-amz-sns-* are not signed: whoever captures a message can change them and keep the signature. Act on none of them; put what matters into Message.',
    'Raw message delivery has no signature: leave it off for this subscription.',
    "The certificate is taken from https://sns.REGION.amazonaws.com (in China .cn) alone, where REGION is the topic's, and its host name and dates are checked. The gate needs a way out to that host.",
    'Timestamp is when the message was published, and SNS tries for up to an hour: hence the tolerance of 65 minutes.',
    "Amazon's npm package sns-validator 0.3.5 leaves Token out of an UnsubscribeConfirmation. Amazon's validator for PHP has it among what is signed, and so it is here.",
  ],
  response: '2xx. After a server-side error it is sent again by the delivery policy, for an hour at most.',
  accept: ['text', 'json'],
}
