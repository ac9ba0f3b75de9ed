import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { AcmeFault } from '../../../src/tls/acme/fault.ts'
import { ManagedName } from '../../../src/tls/acme/managed-name.ts'
import { AcmeStore } from '../../../src/tls/acme/store.ts'
import { craft, DAY, SERVER_AUTH } from '../craft.ts'

const NAME = 'hooks.example.com'
const DIRECTORY = 'https://ca.example.net/dir'

/** A key with its certificate, as the store has it. */
async function pemFor(name: string, from = -DAY, to = 90 * DAY): Promise<string> {
  const now = Date.now()
  const usage = [SERVER_AUTH]
  const { key, certificate } = await craft({
    subject: 'CN=x',
    usage,
    dns: [name],
    notBefore: now + from,
    notAfter: now + to,
  })
  return `${key}${certificate}`
}

describe('the certificate of one name', () => {
  let folder: string
  let store: AcmeStore
  let managed: ManagedName
  const lines: Record<string, unknown>[] = []
  const say = (level: string) => (msg: string, fields?: object) => void lines.push({ level, msg, ...fields })
  const log = { info: say('info'), warn: say('warn'), error: say('error') }
  const path = () => join(store.folder, `${NAME}.pem`)
  const line = (msg: string) => vi.waitFor(() => lines.find(each => each.msg === msg) ?? Promise.reject(new Error(msg)))
  const manage = (obtain: () => Promise<string>, changed = () => undefined) => {
    const settings = { name: NAME, store, renewBefore: undefined, obtain }
    managed = new ManagedName(settings, { clock: systemClock, log, changed })
    return managed
  }
  const keep = (pem: string) => {
    mkdirSync(dirname(path()), { recursive: true })
    writeFileSync(path(), pem, { mode: 0o600 })
  }
  const refuse = () => Promise.reject(new AcmeFault('the CA is on holiday', 'wait', { retryAfter: 5 * DAY }))

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sallyport-acme-'))
    store = new AcmeStore(folder, 'acme', DIRECTORY)
    lines.length = 0
  })
  afterEach(() => {
    managed.end()
    rmSync(folder, { recursive: true })
  })

  it('is served from the store at once, and the CA left in peace', async () => {
    keep(await pemFor(NAME))
    const obtain = vi.fn(refuse)
    manage(obtain).start()
    expect(managed.pair?.leaf.names.dns).toEqual([NAME])
    // Timers of no length have run when a later one has.
    await new Promise(resolve => setTimeout(resolve, 1))
    expect(obtain).not.toHaveBeenCalled()
    expect(lines).toEqual([])
  })

  it('stays in force where it is due and the CA gives none; the log says until when, and waits as the CA asks', async () => {
    keep(await pemFor(NAME, -60 * DAY, 20 * DAY))
    manage(refuse).start()
    const told = await line('certificate not obtained')
    expect(told).toMatchObject({ name: NAME, reason: 'the CA is on holiday', failures: 1, remedy: 'wait' })
    expect(told['in-force']).toMatch(/^the one that ends at \d{4}-/)
    expect(Date.parse(String(told['next-attempt'])) - Date.now()).toBeGreaterThan(4.9 * DAY)
    expect(managed.pair).toBeDefined()
    expect(managed.reading()).toEqual({ name: NAME, obtained: 0, failed: 1, held: true })
  })

  it('is replaced in the store as a whole, for its owner alone', async () => {
    keep(await pemFor(NAME, -60 * DAY, 20 * DAY))
    const next = await pemFor(NAME)
    const changed = vi.fn()
    manage(() => Promise.resolve(next), changed).start()
    await line('certificate obtained')
    await vi.waitFor(() => expect(readFileSync(path(), 'utf8')).toBe(next))
    expect(statSync(path()).mode & 0o777).toBe(0o600)
    expect(changed).toHaveBeenCalledOnce()
    expect(managed.pair?.expiries).toMatchObject([
      { name: `acme/ca.example.net-dir/${NAME}.pem`, renewsAt: expect.any(Number) },
    ])
  })

  it('is not taken where it is for another name, or its key is not there', async () => {
    for (const wrong of [
      await pemFor('other.example.com'),
      (await pemFor(NAME)).split('END PRIVATE KEY-----')[1] ?? '',
    ]) {
      lines.length = 0
      manage(() => Promise.resolve(wrong)).start()
      expect(await line('certificate not obtained')).toMatchObject({
        'in-force': 'none: TLS handshakes for the name fail',
      })
      expect(managed.pair).toBeUndefined()
      managed.end()
    }
  })

  it('that the store holds and nobody can read is left out, said, and obtained anew', async () => {
    keep('-----BEGIN CERTIFICATE-----')
    const next = await pemFor(NAME)
    manage(() => Promise.resolve(next)).start()
    expect(lines[0]).toMatchObject({ level: 'warn', msg: 'tls', problem: expect.stringContaining('is left out') })
    await line('certificate obtained')
    expect(managed.pair).toBeDefined()
  })

  it('that can not be kept is served all the same, and not ordered again', async () => {
    writeFileSync(join(folder, 'acme'), 'a file where the folder should be')
    store = new AcmeStore(folder, 'acme/below', DIRECTORY)
    const next = await pemFor(NAME)
    const obtain = vi.fn(() => Promise.resolve(next))
    manage(obtain).start()
    expect(await line('certificate not kept')).toMatchObject({
      level: 'error',
      remedy: expect.stringContaining('store'),
    })
    expect(managed.pair).toBeDefined()
    expect(obtain).toHaveBeenCalledOnce()
  })

  it('that another gate has renewed in the same store is taken over instead of ordered', async () => {
    keep(await pemFor(NAME, -60 * DAY, 20 * DAY))
    const obtain = vi.fn(refuse)
    const changed = vi.fn()
    manage(obtain, changed)
    keep(await pemFor(NAME))
    managed.start()
    await vi.waitFor(() => expect(changed).toHaveBeenCalledOnce())
    expect(obtain).not.toHaveBeenCalled()
  })

  it('that is due as soon as it is issued does not make the gate ask again and again', async () => {
    const old = await pemFor(NAME, -60 * DAY, 20 * DAY)
    const obtain = vi.fn(() => Promise.resolve(old))
    manage(obtain).start()
    expect(await line('certificate not obtained')).toMatchObject({ reason: expect.stringContaining('due already') })
    expect(obtain).toHaveBeenCalledOnce()
    expect(managed.pair).toBeDefined()
  })
})
