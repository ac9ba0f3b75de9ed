import { createHmac, randomUUID } from 'node:crypto'
import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from 'node:zlib'

/** A piece of a message: text as it stands, something said many times, or something computed. */
export type Part =
  | string
  | { readonly repeat: string; readonly times: number }
  | { readonly insert: 'signature' | 'body' | 'length' }

/** How the signature headers deviate from right ones. */
export interface Signing {
  readonly omit?: readonly string[]
  readonly secret?: string
  readonly flip?: boolean
  readonly append?: string
  readonly prepend?: string
  readonly signature?: string
  readonly version?: string
  readonly duplicate?: string
  readonly ts?: string
  readonly tsOffset?: number
  readonly tsPrefix?: string
  readonly tsSuffix?: string
  readonly tsMs?: boolean
  readonly signOnlyBody?: boolean
  readonly id?: string
  readonly idAfterSign?: string
}

export type BodyOf =
  | readonly Part[]
  | { readonly coding: 'gzip' | 'br' | 'zstd'; readonly zeros: number }
  | {
      readonly coding: 'gzip'
      readonly of: string
      readonly members?: number
      readonly cut?: number
      readonly trailing?: string
    }

export interface AttackCase {
  readonly id: string
  readonly what: string
  /** Of the config that it needs; absent: the one that all share. */
  readonly profile?: string
  readonly send: readonly Part[]
  readonly body?: BodyOf
  readonly sign?: Signing
  /** The client ends its side once it has sent everything. */
  readonly halfClose?: boolean
  readonly expect: {
    readonly status?: readonly number[]
    /** How many requests the upstream may see. */
    readonly forwarded: readonly number[]
    readonly closed?: boolean
    /** No answer at all, only an end. */
    readonly closeOnly?: boolean
    /** No answer within the wait is as good. */
    readonly timeoutOk?: boolean
    /** Status codes that must not come. */
    readonly never?: readonly number[]
    readonly absentUpstream?: readonly string[]
    readonly maxResponses?: number
    readonly maxMs?: number
  }
}

/** Base64, as it follows `whsec_`. */
export const SECRET = Buffer.from('a secret for the attack corpus 32').toString('base64')

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')
const spell = (parts: readonly Part[]): string =>
  parts.map(part => (typeof part === 'string' ? part : 'repeat' in part ? part.repeat.repeat(part.times) : '')).join('')

function bodyOf(body: BodyOf | undefined): Buffer {
  if (body === undefined) return latin1('{"a":1}')
  if (!('coding' in body)) return latin1(spell(body))
  if ('zeros' in body) {
    const zeros = Buffer.alloc(Math.min(body.zeros, 64 * 1024 * 1024))
    if (body.coding === 'gzip') return gzipSync(zeros)
    if (body.coding === 'zstd') return zstdCompressSync(zeros)
    return brotliCompressSync(zeros, { params: { [constants.BROTLI_PARAM_QUALITY]: 3 } })
  }
  const whole =
    body.members === 2
      ? Buffer.concat([gzipSync(latin1(body.of.slice(0, 3))), gzipSync(latin1(body.of.slice(3)))])
      : gzipSync(latin1(body.of))
  return Buffer.concat([whole.subarray(0, whole.length - (body.cut ?? 0)), latin1(body.trailing ?? '')])
}

function signatureLines(body: Buffer, how: Signing): string {
  const id = how.id ?? `msg_${randomUUID().replaceAll('-', '')}`
  const seconds = Math.floor(Date.now() / 1000) + (how.tsOffset ?? 0)
  const timestamp = how.ts ?? `${how.tsPrefix ?? ''}${how.tsMs ? seconds * 1000 : seconds}${how.tsSuffix ?? ''}`
  const key = how.secret === undefined ? Buffer.from(SECRET, 'base64') : Buffer.from(how.secret)
  const signed = how.signOnlyBody ? body : Buffer.concat([latin1(`${id}.${timestamp}.`), body])
  const mac = createHmac('sha256', key).update(signed).digest()
  if (how.flip) mac[0] = (mac[0] ?? 0) ^ 1
  const text =
    how.signature ?? `${how.prepend ?? ''}${how.version ?? 'v1'},${mac.toString('base64')}${how.append ?? ''}`
  const fields = [
    ['webhook-id', how.idAfterSign ?? id],
    ['webhook-timestamp', timestamp],
    ['webhook-signature', text],
  ] as const
  return fields
    .filter(([name]) => !how.omit?.includes(name))
    .map(([name, value]) => `${name}: ${value}\r\n`.repeat(how.duplicate === name ? 2 : 1))
    .join('')
}

/** The bytes of a case. Every signature block is made anew, so that pipelined copies have ids of their own. */
export function bytesOf(attack: AttackCase): Buffer {
  const body = bodyOf(attack.body)
  return Buffer.concat(
    attack.send.map(part => {
      if (typeof part === 'string' || 'repeat' in part) return latin1(spell([part]))
      if (part.insert === 'body') return body
      return latin1(part.insert === 'length' ? String(body.length) : signatureLines(body, attack.sign ?? {}))
    }),
  )
}
