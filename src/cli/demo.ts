import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { systemClock } from '../core/clock.ts'
import { http } from '../core/http.ts'
import { Secret } from '../core/secret.ts'
import { Gateway } from '../gateway/gateway.ts'
import { createLog } from '../observe/log.ts'
import { createMetrics } from '../observe/metrics.ts'
import { providers } from '../signing/index.ts'
import { newCredentials, signerKey } from '../signing/provider.ts'
import { initCertificates } from '../tls/directory.ts'
import { type DemoCase, demoCases, demoConfig, FOREIGN_ADDRESS, TELEGRAM_ADDRESS } from './demo-events.ts'
import { stopRequested } from './stopping.ts'
import { table } from './table.ts'
import { type Verb, type VerbIo, wrongUsage } from './verb.ts'
import { version } from './version.ts'

export const demo: Verb = {
  name: 'demo',
  summary: 'Shows the gate at work: real events go through, forged ones do not.',
  usage: '[--once] [--port PORT]',
  examples: ['sallyport demo', 'sallyport demo --once'],
  options: {
    once: { type: 'boolean', description: 'Stop after the table instead of staying up.' },
    port: { type: 'string', description: 'The port of the gate. Default 8443, or any free one.' },
  },
  async run({ values, positionals }, io) {
    if (positionals.length > 0) return wrongUsage(io, demo, 'it takes options only')
    const port = values.port === undefined ? undefined : Number(values.port)
    if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65_535)) {
      io.stderr.write('sallyport demo: --port takes a number from 0 to 65535\n')
      return 2
    }
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-demo-'))
    const show = new Show(folder, io)
    try {
      await show.start(port)
      const right = await show.play()
      if (values.once === true) return right ? 0 : 1
      show.invite()
      await stopRequested(io.env)
      return 0
    } finally {
      await show.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

/** What the stand-in CRM saw. */
interface Seen {
  readonly path: string
  readonly bytes: number
  readonly principal: string
}

/** The gate, a stand-in CRM behind it, and a sender in front of it. */
class Show {
  readonly #folder: string
  readonly #io: VerbIo
  readonly #seen: Seen[] = []
  #crm: Server | undefined
  #gateway: Gateway | undefined
  #agent: Agent | undefined
  #port = 0
  /** Log lines are held back while the table is made. */
  #quiet = true

  constructor(folder: string, io: VerbIo) {
    this.#folder = folder
    this.#io = io
  }

  async start(port: number | undefined): Promise<void> {
    const crm = await this.#startCrm()
    await initCertificates(join(this.#folder, 'certs'), { now: Date.now() })
    mkdirSync(join(this.#folder, 'secrets'), { mode: 0o700 })
    for (const { event } of demoCases) {
      const provider = providers.find(({ id }) => id === event.provider)
      writeFileSync(this.#secretFile(event.provider), (provider && newCredentials(provider)?.held) ?? '', {
        mode: 0o600,
      })
    }
    try {
      await this.#startGate(port ?? 8443, crm)
    } catch (error) {
      if (port !== undefined || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
      await this.#startGate(0, crm)
    }
    this.#agent = new Agent({ connect: { ca: readFileSync(join(this.#folder, 'certs/ca.crt')) } })
  }

  /** Sends every case; gives whether each was answered as it should be. */
  async play(): Promise<boolean> {
    const rows: string[][] = []
    let right = true
    for (const each of demoCases) {
      this.#seen.length = 0
      const { status, code } = await this.#send(each)
      const [seen] = this.#seen
      right &&= (each.forged === '') === (seen !== undefined)
      rows.push([
        each.event.what,
        each.forged || 'as it should be',
        String(status),
        code,
        seen ? `${seen.path}, ${seen.bytes} bytes, from ${seen.principal}` : 'nothing',
      ])
    }
    this.#io.stdout.write(
      `The gate listens on https://localhost:${this.#port}, with certificates that it has just made, and a stand-in CRM behind it.\n\n`,
    )
    this.#io.stdout.write(`${table(['sent', 'how', 'gate', 'code', 'the CRM saw'], rows)}\n`)
    return right
  }

  invite(): void {
    const secret = readFileSync(this.#secretFile('telegram'), 'utf8')
    this.#io.stdout.write(`The gate stays up. Try it:

  curl --cacert ${join(this.#folder, 'certs/ca.crt')} https://localhost:${this.#port}/hooks/telegram \\
    -H 'Content-Type: application/json' -H 'X-Forwarded-For: ${TELEGRAM_ADDRESS}' \\
    -H 'X-Telegram-Bot-Api-Secret-Token: ${secret}' \\
    -d '{"update_id":1,"message":{"text":"hello"}}' -i

Change or leave out a header and see what the gate says. Its config: ${join(this.#folder, 'gate.yaml')}
Ctrl-C stops it.

`)
    this.#quiet = false
  }

  async stop(): Promise<void> {
    await this.#agent?.destroy()
    await this.#gateway?.drain(1_000)
    this.#crm?.close()
    this.#crm?.closeAllConnections()
  }

  #secretFile(provider: string): string {
    return join(this.#folder, 'secrets', provider)
  }

  async #startCrm(): Promise<string> {
    const server = http.createServer((req, res) => {
      let bytes = 0
      req.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
      req.on('end', () => {
        this.#seen.push({
          path: req.url ?? '',
          bytes,
          principal: String(req.headers['sallyport-principal'] ?? 'nobody'),
        })
        res.writeHead(200, { 'Content-Type': 'application/json' }).end('{"ok":true}')
      })
    })
    this.#crm = server
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  async #startGate(port: number, crm: string): Promise<void> {
    const file = join(this.#folder, 'gate.yaml')
    writeFileSync(file, demoConfig(port, crm))
    const log = createLog({ destination: { write: line => !this.#quiet && this.#io.stdout.write(line) }, pretty: true })
    const metrics = createMetrics({ version: version() })
    const gateway = new Gateway({ file, env: {}, clock: systemClock, log, metrics })
    await gateway.start()
    this.#gateway = gateway
    this.#port = gateway.port('public') ?? 0
  }

  async #send({ event, forged }: DemoCase): Promise<{ status: number; code: string }> {
    const provider = providers.find(({ id }) => id === event.provider)
    if (provider === undefined) throw new Error(`no provider ${event.provider}`)
    const url = `https://localhost:${this.#port}${event.path}`
    const secret =
      forged === 'wrong secret'
        ? Buffer.from(newCredentials(provider)?.held ?? '')
        : readFileSync(this.#secretFile(event.provider))
    const pad = forged === 'too large' ? ' '.repeat(100 * 1024) : ''
    const body = Buffer.from(event.body + pad)
    const contentType = forged === 'wrong type' ? 'text/xml' : 'application/json'
    const signed = provider.scheme.sign(signerKey(provider, new Secret(secret)), {
      method: 'POST',
      url,
      body,
      contentType,
      nowMs: Date.now() - (forged === 'old timestamp' ? 15 * 60_000 : 0),
      id: 'msg_demo',
    })
    const answer = await request(forged === 'suffix left out' ? url.slice(0, url.lastIndexOf('/')) : url, {
      method: 'POST',
      ...(this.#agent ? { dispatcher: this.#agent } : {}),
      headers: {
        'Content-Type': contentType,
        'X-Forwarded-For': forged === 'foreign address' ? FOREIGN_ADDRESS : TELEGRAM_ADDRESS,
        ...event.headers,
        ...Object.fromEntries(signed),
      },
      body: forged === 'changed body' ? Buffer.from(event.body.replace('refs/heads/main', 'refs/heads/evil')) : body,
    })
    const text = await answer.body.text()
    if (answer.headers['sallyport-duplicate'] !== undefined) return { status: answer.statusCode, code: 'duplicate' }
    const problem = String(answer.headers['content-type']).includes('problem+json')
      ? (JSON.parse(text) as { code: string })
      : undefined
    return { status: answer.statusCode, code: problem?.code ?? '' }
  }
}
