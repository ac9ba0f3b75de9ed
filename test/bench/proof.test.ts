import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { parseLoad } from '../../bench/load.ts'
import { nodePrototype } from '../../bench/peers/node-apps.ts'
import { startServer } from '../../bench/processes.ts'
import { prove } from '../../bench/proof.ts'
import { ANSWER, startWitness } from '../../bench/upstream.ts'
import { event, FORGED, VERIFIED, webhook } from '../../bench/work.ts'
import { freePort } from '../support/ports.ts'

/** Bytes of body that the peers of these tests take. */
const cap = 128 * 1024

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

async function witness() {
  const started = await startWitness()
  closers.push(() => started.close())
  return started
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'bench-test-'))
  closers.push(() => rmSync(made, { recursive: true, force: true }))
  return made
}

describe('the proof', () => {
  it('passes a peer that does the work', async () => {
    const site = { folder: folder(), port: await freePort(), upstream: 0, cap }
    const upstream = await witness()
    const command = nodePrototype.command({ ...site, upstream: upstream.port })
    const server = await startServer(command, site.port, join(site.folder, 'log'))
    closers.push(() => server.stop())
    expect(await prove(nodePrototype, site, upstream)).toEqual([])
  })

  it('finds out a proxy that checks nothing', async () => {
    const upstream = await witness()
    const port = await listen(
      createServer((incoming, response) => {
        const outgoing = request({ port: upstream.port, method: 'POST' }, answer => {
          response.writeHead(answer.statusCode ?? 500)
          answer.pipe(response)
        })
        incoming.pipe(outgoing)
      }),
    )
    const faults = await prove(nodePrototype, { port, cap }, upstream)
    expect(faults).toContain('a forged signature: let through')
    expect(faults).toContain('a foreign source address: let through')
    expect(faults.every(fault => fault.endsWith('let through'))).toBe(true)
    expect(await prove({ ...nodePrototype, checks: false }, { port, cap }, upstream)).toEqual([])
  })

  it('finds out a server that answers 200 without an upstream', async () => {
    const port = await listen(
      createServer((incoming, response) => {
        incoming.resume()
        response.end(ANSWER)
      }),
    )
    const faults = await prove({ ...nodePrototype, checks: false }, { port, cap }, await witness())
    expect(faults).toEqual(['a signed webhook: the upstream did not get exactly these bytes once'])
  })
})

describe('a server', () => {
  it('that ends at once is reported with what it said', async () => {
    const command = { program: process.execPath, args: ['-e', 'console.error("no such luck"); process.exit(3)'] }
    await expect(startServer(command, await freePort(), join(folder(), 'log'))).rejects.toThrow(
      /ended with 3: no such luck/,
    )
  })
})

describe('the load generator for machines without wrk', () => {
  it('counts whole answers, their statuses and their latency', async () => {
    const bodies: string[] = []
    let answered = 0
    const port = await listen(
      createServer((incoming, response) => {
        incoming.setEncoding('utf8')
        incoming.on('data', part => {
          if (bodies.length < 100) bodies.push(part)
        })
        incoming.on('end', () => {
          response.statusCode = ++answered % 2 === 0 ? 401 : 200
          if (answered % 3 === 0) response.write('chunked ')
          response.end('answer')
        })
      }),
    )
    const file = join(folder(), 'job.json')
    const job = webhook(event(1024))
    writeFileSync(
      file,
      JSON.stringify({ port, connections: 4, seconds: 0.5, ...job, body: job.body.toString('latin1') }),
    )
    const client = join(import.meta.dirname, '../../bench/apps/client.ts')
    const { stdout } = await promisify(execFile)(process.execPath, [client, file])
    const load = parseLoad(stdout)
    expect(load.requests).toBeGreaterThan(20)
    expect(answered - load.requests).toBeLessThanOrEqual(4)
    expect(Math.abs(load.refusals - load.requests / 2)).toBeLessThanOrEqual(4)
    expect(load.errors).toBe(0)
    expect(load.p99).toBeGreaterThanOrEqual(load.p50)
    expect(bodies[0]).toBe(event(1024).toString())
  })

  it('sends two requests in turn', async () => {
    const signatures: unknown[] = []
    const port = await listen(
      createServer((incoming, response) => {
        signatures.push(incoming.headers['x-hub-signature-256'])
        incoming.resume().on('end', () => response.end('{}'))
      }),
    )
    const written = ({ body, ...rest }: typeof VERIFIED) => ({ ...rest, body: body.toString('latin1') })
    const file = join(folder(), 'job.json')
    const job = { port, connections: 1, seconds: 0.5, ...written(VERIFIED), alternate: written(FORGED) }
    writeFileSync(file, JSON.stringify(job))
    await promisify(execFile)(process.execPath, [join(import.meta.dirname, '../../bench/apps/client.ts'), file])
    const [right, forged] = [VERIFIED, FORGED].map(({ headers }) => headers['X-Hub-Signature-256'])
    expect(signatures.slice(0, 4)).toEqual([right, forged, right, forged])
  })
})
