import { request as sendPlain } from 'node:http'
import { request as sendTls } from 'node:https'
import type { Trusted } from './apps/job.ts'
import type { Peer, Site } from './peers/peer.ts'
import { trusted } from './tls-files.ts'
import { ANSWER, type Witness } from './upstream.ts'
import { event, FOREIGN_PATH, type Request, sign, webhook } from './work.ts'

interface Case {
  readonly name: string
  readonly request: Request
  /** Whether it must reach the upstream; else it must be refused. */
  readonly passes: boolean
}

const body = event(1024)
const broken = Buffer.from(`${body.toString().slice(0, -1)} `)

const VALID: Case = { name: 'a signed webhook', request: webhook(body), passes: true }
const cases = (cap: number): readonly Case[] => [
  VALID,
  { name: 'a signed webhook of 64 KB', request: webhook(event(64 * 1024)), passes: true },
  { name: 'a forged signature', request: webhook(body, { signature: sign(body, 'not the secret') }), passes: false },
  { name: 'no signature', request: webhook(body, { signature: '' }), passes: false },
  { name: 'a changed body', request: webhook(event(1025), { signature: sign(body) }), passes: false },
  { name: 'a foreign content type', request: webhook(body, { type: 'text/plain' }), passes: false },
  { name: 'a body above the cap', request: webhook(event(cap + 1)), passes: false },
  { name: 'a body that is no JSON', request: webhook(broken), passes: false },
  { name: 'a foreign source address', request: webhook(body, { path: FOREIGN_PATH }), passes: false },
  { name: 'another method', request: { ...webhook(body), method: 'PUT' }, passes: false },
  { name: 'the signed webhook again', request: webhook(body), passes: true },
]

/** The status and body of one answer; status 0 where the connection was ended without one. */
function exchange(
  port: number,
  tls: Trusted | undefined,
  { method, path, headers, body }: Request,
): Promise<{ status: number; text: string }> {
  const send = tls === undefined ? sendPlain : sendTls
  const { serverName: servername, ...pem } = tls ?? { serverName: '' }
  return new Promise(resolve => {
    const outgoing = send({
      host: '127.0.0.1',
      ...(tls === undefined ? {} : { ...pem, servername }),
      port,
      method,
      path,
      headers: { ...headers, 'Content-Length': body.length },
    })
    outgoing.setTimeout(5000, () => outgoing.destroy())
    outgoing.on('response', response => {
      let text = ''
      const end = () => resolve({ status: response.statusCode ?? 0, text })
      response.setEncoding('utf8').on('data', part => {
        text += part
      })
      response.on('end', end).on('error', end)
    })
    outgoing.on('error', () => resolve({ status: 0, text: '' }))
    outgoing.end(body)
  })
}

/**
 * Sends good and bad webhooks through the peer on the site's port, whose upstream is `witness`.
 * @returns what it did wrong; empty where it does the work.
 */
export async function prove(
  peer: Peer,
  { port, cap, tls }: Pick<Site, 'port' | 'cap' | 'tls'>,
  witness: Witness,
): Promise<string[]> {
  const trust = tls && trusted(tls)
  const faults: string[] = []
  for (const { name, request, passes } of peer.checks ? cases(cap) : [VALID]) {
    if (peer.lacks?.includes(name)) continue
    witness.take()
    const { status, text } = await exchange(port, trust, request)
    const arrived = witness.take()
    if (passes) {
      if (status !== 200 || text !== ANSWER) faults.push(`${name}: answered ${status}, not the upstream's 200`)
      else if (arrived.length !== 1 || !arrived[0]?.equals(request.body)) {
        faults.push(`${name}: the upstream did not get exactly these bytes once`)
      }
    } else {
      if (arrived.length > 0) faults.push(`${name}: let through`)
      // Some close on a body above the cap while it is still being sent, and the answer is lost.
      else if (status < 400 && status !== 0) faults.push(`${name}: answered ${status}, not a refusal`)
    }
  }
  return faults
}
