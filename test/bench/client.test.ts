import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { answerLength } from '../../bench/apps/job.ts'
import { load } from '../../bench/load.ts'
import { fault } from '../../bench/measure.ts'
import { issueTlsFiles, type TlsFiles, trusted } from '../../bench/tls-files.ts'
import { type Arrival, VERIFIED } from '../../bench/work.ts'

const folder = mkdtempSync(join(tmpdir(), 'bench-client-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let files: TlsFiles
beforeAll(async () => {
  files = await issueTlsFiles(folder, true)
})

interface Seen {
  readonly sockets: Set<TLSSocket>
  resumed: number
  requests: number
  certified: number
}

/** A server that counts, and what a second of load from the generator brings it. */
async function meet(arrival: Arrival, options: { tickets?: boolean; rate?: number } = {}) {
  const seen: Seen = { sockets: new Set(), resumed: 0, requests: 0, certified: 0 }
  const server = createServer(
    {
      cert: readFileSync(files.cert),
      key: readFileSync(files.key),
      ca: readFileSync(files.ca),
      requestCert: true,
      rejectUnauthorized: false,
      ...(options.tickets === false ? { maxVersion: 'TLSv1.2' as const } : {}),
    },
    (req, res) => {
      const socket = req.socket as TLSSocket
      if (!seen.sockets.has(socket)) {
        if (socket.isSessionReused()) seen.resumed++
        if (socket.getPeerX509Certificate() !== undefined) seen.certified++
      }
      seen.sockets.add(socket)
      seen.requests++
      req.resume().on('end', () => res.end('{}'))
    },
  ).on('tlsClientError', () => {})
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  try {
    const result = await load({
      port: (server.address() as AddressInfo).port,
      request: VERIFIED,
      arrival,
      tls: trusted(files),
      connections: 2,
      seconds: 1,
      core: 0,
      folder,
      ...(options.rate === undefined ? {} : { rate: options.rate }),
    })
    return { result, seen }
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

describe('the load generator for connections', () => {
  it('makes a new one with a full handshake, and its certificate, for each webhook', async () => {
    const { result, seen } = await meet('full')
    expect(fault({ refused: false }, result)).toBeUndefined()
    expect(seen.sockets.size).toBe(seen.requests)
    expect(seen).toMatchObject({ resumed: 0, certified: seen.requests })
  }, 30_000)

  it('resumes the session of the one before, on all but the first of each lane', async () => {
    const { result, seen } = await meet('resumed')
    expect(fault({ refused: false }, result)).toBeUndefined()
    expect(seen.requests - seen.resumed).toBe(2)
  }, 30_000)

  it('tells of a server that it can not speak TLS 1.3 with', async () => {
    const { result } = await meet('full', { tickets: false })
    expect(fault({ refused: false }, result)).toMatch(/connections failed or timed out, the first: Error: .*ssl/i)
  }, 30_000)

  it('keeps to the rate that it is given', async () => {
    const { result } = await meet('half', { rate: 20 })
    expect(result.requests).toBeGreaterThan(0)
    // Poisson with a mean of 20: more than 50 in a second comes once in a hundred million runs.
    expect(result.requests).toBeLessThanOrEqual(50)
  }, 30_000)
})

describe('an answer', () => {
  it('ends by its length or its last chunk, and is not taken for whole before', () => {
    const sized = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
    expect(answerLength(sized)).toBe(sized.length)
    expect(answerLength(sized.slice(0, -1))).toBe(0)
    expect(answerLength(`${sized}HTTP/1.1`)).toBe(sized.length)
    const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'
    expect(answerLength(chunked)).toBe(chunked.length)
    expect(answerLength(chunked.slice(0, -2))).toBe(0)
  })
})
