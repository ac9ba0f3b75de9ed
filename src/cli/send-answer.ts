import { Client } from 'undici'
import { visible } from '../config/problem.ts'
import { http } from '../core/http.ts'
import { VerbFault } from './fault.ts'
import type { SignedRequest } from './send-message.ts'

/** What came back, cut to what a person reads. */
export interface Answer {
  readonly status: number
  /** `429 Too Many Requests`. */
  readonly line: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Fit for a terminal. */
  readonly body: string
  /** Whether there was more of it. */
  readonly cut: boolean
}

const CONNECT_MS = 10_000
const ANSWER_MS = 30_000
const BODY_BYTES = 4096
const OF_INTEREST = [
  'content-type',
  'location',
  'allow',
  'retry-after',
  'ratelimit',
  'ratelimit-policy',
  'www-authenticate',
  'x-request-id',
  'sallyport-duplicate',
]

/**
 * Posts the request once, on a connection of its own; a redirect is an answer and is not followed.
 * @param ca PEM; the CAs that the server's certificate must lead to, in place of the public ones.
 * @throws VerbFault where there is no connection, no trust or no answer
 */
export async function post(request: SignedRequest, ca: Buffer | undefined): Promise<Answer> {
  const { url, headers, body } = request
  const client = new Client(url.origin, {
    // Said outright, so that no variable of the environment turns it off.
    connect: { rejectUnauthorized: true, timeout: CONNECT_MS, ...(ca === undefined ? {} : { ca }) },
    headersTimeout: ANSWER_MS,
    bodyTimeout: ANSWER_MS,
  })
  try {
    const response = await client.request({
      method: 'POST',
      path: `${url.pathname}${url.search}`,
      headers: headers.flat(),
      body,
    })
    const { text, cut } = await readSome(response.body)
    return {
      status: response.statusCode,
      line: `${response.statusCode} ${http.STATUS_CODES[response.statusCode] ?? ''}`.trimEnd(),
      headers: OF_INTEREST.flatMap(name => {
        const value = response.headers[name]
        return value === undefined ? [] : [[name, visible([value].flat().join(', '))] as const]
      }),
      body: text,
      cut,
    }
  } catch (error) {
    throw explained(error, url)
  } finally {
    await client.destroy()
  }
}

async function readSome(body: AsyncIterable<Buffer>): Promise<{ text: string; cut: boolean }> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    length += chunk.length
    if (length > BODY_BYTES) break
  }
  const text = Buffer.concat(chunks).subarray(0, BODY_BYTES).toString('utf8')
  return { text: text.split(/\r?\n/).map(visible).join('\n'), cut: length > BODY_BYTES }
}

const REFUSED = { what: 'nothing listens at', mend: 'is the gate running, and is it this port?' }
const UNKNOWN_NAME = { what: 'no address is known for', mend: 'check the host in --url' }
const SLOW = {
  what: `there is no connection within ${CONNECT_MS / 1000} s to`,
  mend: 'check the address in --url, and the firewalls in between',
}
const SILENT = {
  what: `there is no answer within ${ANSWER_MS / 1000} s from`,
  mend: "look at the gate's log, and at what stands behind it",
}
const CLOSED = {
  what: 'the connection ended before an answer came from',
  mend: 'is it an https port? Then write https:// in --url. Otherwise look at the log of the server',
}
const UNTRUSTED = {
  what: 'the certificate does not lead to a CA that is trusted here, at',
  mend: 'name its CA: --ca certs/ca.crt',
}
const NOT_TLS = { what: 'TLS is not spoken at', mend: 'write http:// in --url, or the port of an HTTPS listener' }
const WANTS_CERTIFICATE = {
  what: 'a client certificate is asked for by',
  mend: 'send shows none: use a route and listener without client-cert, or curl --cert',
}

const KNOWN: Readonly<Record<string, { readonly what: string; readonly mend: string }>> = {
  ECONNREFUSED: REFUSED,
  ENOTFOUND: UNKNOWN_NAME,
  EAI_AGAIN: UNKNOWN_NAME,
  ETIMEDOUT: SLOW,
  UND_ERR_CONNECT_TIMEOUT: SLOW,
  UND_ERR_HEADERS_TIMEOUT: SILENT,
  UND_ERR_BODY_TIMEOUT: SILENT,
  ECONNRESET: CLOSED,
  EPIPE: CLOSED,
  UND_ERR_SOCKET: CLOSED,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  CERT_HAS_EXPIRED: { what: 'the certificate has ended, at', mend: 'renew it, or check the clock of this machine' },
  CERT_NOT_YET_VALID: { what: 'the certificate is not valid yet, at', mend: 'check the clocks of both machines' },
  ERR_SSL_WRONG_VERSION_NUMBER: NOT_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NOT_TLS,
  EPROTO: NOT_TLS,
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: WANTS_CERTIFICATE,
}

function explained(error: unknown, url: URL): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  const code = 'code' in error ? String(error.code) : ''
  const known = KNOWN[code]
  if (known) return new VerbFault(`${known.what} ${url.host} (${code})`, known.mend, 'problem')
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return new VerbFault(
      `the certificate at ${url.host} does not name ${url.hostname}: ${visible(error.message.replace(/^.*altnames: /, ''))}`,
      'call it by a name in its certificate, or make one with "sallyport certs init --name"',
      'problem',
    )
  if (code.startsWith('HPE_') || code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE')
    return new VerbFault(
      `what ${url.host} answers is no HTTP/1.1 (${code})`,
      'is it the right port, and https:// where it speaks TLS?',
      'problem',
    )
  if (code.startsWith('UND_ERR_') || code === '') return error
  return new VerbFault(`${url.host} can not be reached: ${visible(error.message)} (${code})`, 'check --url', 'problem')
}
