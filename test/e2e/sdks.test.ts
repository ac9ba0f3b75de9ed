import { randomUUID } from 'node:crypto'
import { Agent } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Credentials } from '../../src/signing/provider.ts'
import { ask } from '../support/client.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'
import { type Delivery, JSON_TYPE, type Sender } from './sdk-sender.ts'
import { fieldSenders } from './sdk-senders.ts'
import { bodySenders } from './sdk-senders-body.ts'
import { keySenders } from './sdk-senders-keys.ts'

const senders = [...fieldSenders, ...keySenders, ...bodySenders]
const PUBLIC = 'https://hooks.example.com'
const keys = new Map(senders.map(sender => [sender, sender.makeKeys()]))
const variable = ({ name }: Sender): string => name.toUpperCase().replaceAll('-', '_')
const jsonOf = (id: string): string => `{ "id": "${id}", "text": "Grüße 👋 \\u00fc", "big": 12345678901234567890.10 }`

let gate: RunningGate
let upstream: TestUpstream
const agent = new Agent({ keepAlive: true, maxSockets: 4 })

beforeAll(async () => {
  upstream = await startUpstream()
  const routes = senders.map(
    sender => `
  - name: ${sender.name}
    match: { path-prefix: /${sender.name}/ }
    checks:
      - content-type: { accept: [json, form] }
      - signature: ${sender.signature.replace('KEY', variable(sender))}
      - replay: {}
    forward: { to: "${upstream.url}/in/" }`,
  )
  gate = await startGate(
    `
listeners:
  - { name: public, bind: "127.0.0.1:0", public-url: ${PUBLIC} }
routes:${routes.join('')}
`,
    Object.fromEntries(senders.map(sender => [variable(sender), keysOf(sender).given])),
  )
}, 30_000)
afterAll(async () => {
  agent.destroy()
  expect(await gate.stop()).toBe(0)
  await upstream.close()
}, 30_000)

function keysOf(sender: Sender): Credentials {
  const found = keys.get(sender)
  if (found === undefined) throw new Error(`no keys of ${sender.name}`)
  return found
}

/** A new event, signed by the service's library or, where that only verifies, by this project. */
async function deliver(
  sender: Sender,
  { offset = 0, held = keysOf(sender).held, by = sender.sign || sender.seal ? 'library' : 'ourselves' } = {},
): Promise<Delivery> {
  const id = `evt_${randomUUID()}`
  const body = sender.body?.(id) ?? jsonOf(id)
  const query = sender.query?.(body)
  const url = `${PUBLIC}/${sender.name}/hooks${query === undefined ? '' : `?${query}`}`
  const event = { id, nowMs: Date.now() + offset, url, body }
  if (by === 'ourselves' && sender.signOurselves) return sender.signOurselves(event, held)
  const headers = (await sender.sign?.(event, held)) ?? {}
  return { ...event, headers, body: sender.seal?.(event, held) ?? body }
}

interface Answer {
  readonly status: number
  readonly code: string
  readonly duplicate: boolean
}

async function send(sender: Sender, { url, headers, body }: Omit<Delivery, 'body'> & { body: string | Buffer }) {
  const reply = await ask({
    port: gate.port('public'),
    path: url.slice(PUBLIC.length),
    headers: { 'Content-Type': sender.contentType ?? JSON_TYPE, ...headers },
    body,
    agent,
  })
  const duplicate = reply.headers['sallyport-duplicate'] === 'true'
  return { status: reply.status, code: reply.code, duplicate } satisfies Answer
}

const ACCEPTED: Answer = { status: 200, code: '', duplicate: false }
const refused = (code: unknown) => ({ status: 401, code, duplicate: false })
const ANY_CODE = expect.stringMatching(/^signature\./)

/** The text with another character at one place; a digit stays a digit, so that a time stays one. */
function changed(text: string, at: number): string {
  const old = text[at] ?? ''
  const other = /\d/.test(old) ? String((Number(old) + 1) % 10) : old === 'a' ? 'b' : 'a'
  return text.slice(0, at) + other + text.slice(at + 1)
}

function flipped(body: string, at: number): Buffer {
  const bytes = Buffer.from(body)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  return bytes
}

const signedPlaces = ({ signed }: Sender, body: string) => signed?.(body) ?? everyPlace(Buffer.byteLength(body))
const everyPlace = (length: number, from = 0): number[] => Array.from({ length: length - from }, (_, i) => from + i)

/** Sends every variant, and expects that each is refused and that none was forwarded. */
async function allRefused(sender: Sender, variants: readonly (Omit<Delivery, 'body'> & { body: string | Buffer })[]) {
  expect(variants.length).toBeGreaterThan(0)
  const before = upstream.received.length
  const answers = await Promise.all(variants.map(async sent => ({ sent, answer: await send(sender, sent) })))
  for (const { sent, answer } of answers)
    expect(answer, `${sent.url} ${JSON.stringify(sent.headers)} ${sent.body}`).toEqual(refused(ANY_CODE))
  expect(upstream.received).toHaveLength(before)
}

async function accepts(sender: Sender, delivery: Delivery): Promise<void> {
  const before = upstream.received.length
  expect(await send(sender, delivery)).toEqual(ACCEPTED)
  expect(await send(sender, delivery), 'sent again').toEqual({ ...ACCEPTED, duplicate: true })
  expect(upstream.received).toHaveLength(before + 1)
  const arrived = upstream.received.at(-1)?.body.toString() ?? ''
  if (sender.arrives) expect(JSON.parse(arrived)).toEqual(sender.arrives(delivery))
  else expect(arrived).toBe(delivery.body)
}

async function libraryAccepts({ verify }: Sender, delivery: Delivery, given: string): Promise<boolean> {
  try {
    return Boolean(await verify?.(delivery, given))
  } catch {
    return false
  }
}

describe.each(senders)('$name', sender => {
  const { sign, seal, signOurselves, verify, window, query } = sender

  if (sign || seal)
    it('accepts once what its library signed, byte for byte', async () => {
      await accepts(sender, await deliver(sender))
    })

  if (signOurselves)
    it('accepts once what this project signed, byte for byte', async () => {
      await accepts(sender, await deliver(sender, { by: 'ourselves' }))
    })

  if (verify)
    it('signs what its library verifies, and not with one byte changed', async () => {
      const { given } = keysOf(sender)
      const delivery = await deliver(sender, { by: 'ourselves' })
      expect(await libraryAccepts(sender, delivery, given)).toBe(true)
      const places = signedPlaces(sender, delivery.body)
      const body = flipped(delivery.body, places[Math.floor(places.length / 3)] ?? 0).toString()
      expect(await libraryAccepts(sender, { ...delivery, body }, given)).toBe(false)
    })

  it('refuses it with any one byte changed that is signed of the body', async () => {
    const delivery = await deliver(sender)
    await allRefused(
      sender,
      signedPlaces(sender, delivery.body).map(at => ({ ...delivery, body: flipped(delivery.body, at) })),
    )
  })

  if (!seal)
    it('refuses it with any one character changed in the fields of the signature, the time and the id', async () => {
      const delivery = await deliver(sender)
      const variants = Object.entries(delivery.headers)
        .filter(([name]) => name !== 'Content-Type')
        .flatMap(([name, value]) =>
          everyPlace(value.length).map(at => ({
            ...delivery,
            headers: { ...delivery.headers, [name]: changed(value, at) },
          })),
        )
      await allRefused(sender, variants)
    })

  if (!seal)
    it('refuses it without any one of these fields', async () => {
      const delivery = await deliver(sender)
      const names = Object.keys(delivery.headers).filter(name => name !== 'Content-Type')
      const variants = names.map(name => {
        const { [name]: _, ...headers } = delivery.headers
        return { ...delivery, headers }
      })
      await allRefused(sender, variants)
    })

  it('refuses what another key signed', async () => {
    await allRefused(sender, [await deliver(sender, { held: sender.makeKeys().held })])
  })

  if (query)
    it('refuses it at any other URL', async () => {
      const delivery = await deliver(sender)
      const from = `${PUBLIC}/${sender.name}/`.length
      const places = everyPlace(delivery.url.length, from)
      await allRefused(
        sender,
        places.map(at => ({ ...delivery, url: changed(delivery.url, at) })),
      )
    })

  if (window)
    it('takes a time that lies within its tolerance, and none before or after', async () => {
      const { past, ahead } = window
      // A quarter, because Paddle's five seconds must also last for what a busy machine takes.
      for (const offset of [-past / 4, ahead / 2]) await accepts(sender, await deliver(sender, { offset }))
      const before = upstream.received.length
      for (const offset of [-past - 2_000, -86_400_000, ahead + 2_000, 86_400_000])
        expect(await send(sender, await deliver(sender, { offset })), `${offset} ms`).toEqual(
          refused('signature.expired'),
        )
      expect(upstream.received).toHaveLength(before)
    })
})
