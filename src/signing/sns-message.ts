import { readJsonObject } from './jws.ts'
import { fault, type SignatureFault } from './scheme.ts'

/** What Amazon SNS signs of its messages to HTTP endpoints. */

const NOTIFICATION = ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'] as const
const CONFIRMATION = ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'] as const

/** By type, the members that are signed, in their order. A notification may come without a Subject. */
const SIGNED: Readonly<Record<string, readonly string[]>> = {
  Notification: NOTIFICATION,
  SubscriptionConfirmation: CONFIRMATION,
  UnsubscribeConfirmation: CONFIRMATION,
}

/** The members of an SNS message that matter here; all texts, of which nothing has been verified. */
export interface SnsMessage {
  readonly MessageId: string
  readonly TopicArn: string
  readonly Timestamp: string
  readonly SignatureVersion: string
  readonly Signature: string
  readonly SigningCertURL: string
  /** The bytes that Signature is over. */
  readonly signed: Buffer
}

export type SnsMembers = Readonly<Record<string, unknown>>

/** The text that is signed: each member's name and value, a line feed behind both. What is no text is left out. */
export function signedText(members: SnsMembers): Buffer {
  const names = SIGNED[String(members.Type)] ?? []
  const lines = names.flatMap(name => (typeof members[name] === 'string' ? [`${name}\n${members[name]}\n`] : []))
  return Buffer.from(lines.join(''))
}

/**
 * Reads the body of a message. Only Message, which stands first, may hold a line break: in any other member one could move
 * the border between two of them, and a signature would fit a message that nobody signed.
 */
export function readSnsMessage(body: Buffer): SnsMessage | SignatureFault {
  const members = readJsonObject(body)
  if (members === undefined)
    return fault('signature.malformed', { why: 'the body is no JSON object, or has a name twice' })
  const names = Object.hasOwn(SIGNED, String(members.Type)) ? SIGNED[String(members.Type)] : undefined
  if (names === undefined || typeof members.Type !== 'string')
    return malformed('Type', `it is not one of ${Object.keys(SIGNED).join(', ')}`)
  const text = (name: string): string | SignatureFault => {
    const value = members[name]
    if (value === undefined) return fault('signature.missing', { member: name })
    if (typeof value !== 'string') return malformed(name, 'it is not a text')
    // Written as UTF-8, every lone surrogate would become the same character.
    if (!value.isWellFormed()) return malformed(name, 'it holds half a character')
    if (name !== 'Message' && hasControl(value)) return malformed(name, 'it holds a line break or another control')
    return value
  }
  const stray = ['Subject', 'SubscribeURL', 'Token'].find(name => name in members && !names.includes(name))
  if (stray !== undefined) return malformed(stray, `in a ${members.Type} nobody signs it`)
  for (const name of names) {
    const value = name === 'Subject' && !(name in members) ? '' : text(name)
    if (typeof value !== 'string') return value
  }
  const read: Record<string, string> = {}
  for (const name of [
    'MessageId',
    'TopicArn',
    'Timestamp',
    'SignatureVersion',
    'Signature',
    'SigningCertURL',
  ] as const) {
    const value = text(name)
    if (typeof value !== 'string') return value
    read[name] = value
  }
  const {
    MessageId = '',
    TopicArn = '',
    Timestamp = '',
    SignatureVersion = '',
    Signature = '',
    SigningCertURL = '',
  } = read
  return { MessageId, TopicArn, Timestamp, SignatureVersion, Signature, SigningCertURL, signed: signedText(members) }
}

/** @param member where the fault is */
export const malformed = (member: string, why: string): SignatureFault => fault('signature.malformed', { member, why })

function hasControl(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true
  }
  return false
}
