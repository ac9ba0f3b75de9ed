import { hash, randomBytes } from 'node:crypto'
import { bearer } from '../../src/checks/bearer.ts'
import { signature } from '../../src/checks/signature.ts'
import { sourceIp } from '../../src/checks/source-ip.ts'
import type { HeadRequest } from '../../src/core/request.ts'
import { forwardConfig } from '../../src/forward/config.ts'
import { planForward } from '../../src/forward/normalise.ts'
import { RouteTable } from '../../src/pipeline/match.ts'
import type { Route } from '../../src/pipeline/route.ts'
import { Walk } from '../../src/pipeline/walk.ts'
import { event, sign } from '../work.ts'
import type { Subject } from './timing.ts'
import { compiled, received, resources } from './world.ts'

/** The same work with one of a thing, and with many of which one is asked for, or each time another. */
export interface Growth {
  readonly what: string
  readonly one: Subject
  readonly same: Subject
  readonly other: Subject
}

const SECRET = randomBytes(32).toString('hex')
const ROUTES = 10_000
const TOKENS = 1_000_000
const NETWORKS = 100_000

/** Which of `count` the next request asks for. */
type Pick = (count: number) => number
const same: Pick = count => count >> 1
const other: Pick = count => Math.floor(Math.random() * count)

export const growths: readonly (() => Growth)[] = [
  () => grown('a signed webhook of 1 KB, its route found and its signature verified: 10,000 routes', routes, ROUTES),
  () => grown('a bearer token: 1,000,000 tokens', tokens, TOKENS),
  () => grown('a source address: 100,000 networks', networks, NETWORKS),
]

function grown(what: string, world: (count: number) => (pick: Pick) => Subject, count: number): Growth {
  const many = world(count)
  return { what, one: world(1)(same), same: many(same), other: many(other) }
}

function routes(count: number): (pick: Pick) => Subject {
  const means = resources({ KEY: SECRET })
  const config = { provider: 'github', secrets: [{ env: 'KEY' }] }
  const forward = forwardConfig.parse({ to: 'http://127.0.0.1:9/' })
  const entries = Array.from({ length: count }, (_, index) => {
    const name = `route-${index}`
    const route: Route = {
      name,
      methods: new Set(['POST']),
      publicUrl: undefined,
      offline: undefined,
      head: [],
      body: [{ name: 'signature', denials: signature.denials, check: compiled(signature, config, means) }],
      content: [],
      limits: { body: 1 << 20, decoded: 1 << 20 },
      stream: false,
      websocket: false,
      plan: planForward(name, undefined, forward),
      upstream: { send: () => Promise.reject(new Error('nothing is sent here')) },
    }
    return { route, host: undefined, path: `/hooks/${name}`, prefix: false }
  })
  const table = new RouteTable(entries)
  const body = event(1024)
  const headers = [
    ['Content-Type', 'application/json'],
    ['X-Hub-Signature-256', sign(body, SECRET)],
  ] as const
  return pick => ({
    name: `${count} routes`,
    batch(size) {
      const requests = Array.from({ length: size }, () =>
        received({ url: `https://hooks.example.com/hooks/route-${pick(count)}`, headers, body }),
      )
      return () => {
        for (const request of requests) {
          const { route } = table.match(request.method, request.host, request.path)
          const walk = route && new Walk(route)
          if (walk === undefined || walk.head(request) !== undefined || walk.body(request) !== undefined)
            throw new Error('refused')
        }
      }
    },
  })
}

const NOTHING = Buffer.alloc(0)
const URL_GIVEN = 'https://hooks.example.com/hooks/kb'

/** A batch of requests that a check of the head admits. */
function headSubject(
  name: string,
  check: { decide(request: HeadRequest, facts: object): unknown },
  make: () => HeadRequest,
): Subject {
  return {
    name,
    batch(size) {
      const requests = Array.from({ length: size }, make)
      return () => {
        for (const request of requests) {
          const decision = check.decide(request, {})
          if (typeof decision !== 'object' || decision === null || Reflect.get(decision, 'ok') !== true)
            throw new Error(`${name}: refused`)
        }
      }
    },
  }
}

function tokens(count: number): (pick: Pick) => Subject {
  const tokenAt = (index: number) => `${SECRET}-${index}`
  let lines = ''
  for (let i = 0; i < count; i++) lines += `holder-${i} ${hash('sha256', tokenAt(i), 'hex')}\n`
  const check = compiled(bearer, { 'tokens-file': 'tokens' }, resources({}, { tokens: lines }))
  return pick =>
    headSubject(`${count} tokens`, check, () =>
      received({ url: URL_GIVEN, headers: [['Authorization', `Bearer ${tokenAt(pick(count))}`]], body: NOTHING }),
    )
}

function networks(count: number): (pick: Pick) => Subject {
  const networkAt = (index: number) => `${20 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`
  const file = Array.from({ length: count }, (_, index) => `${networkAt(index)}.0/24`).join('\n')
  const check = compiled(sourceIp, { allow: [{ file: 'networks' }] }, resources({}, { networks: file }))
  return pick =>
    headSubject(`${count} networks`, check, () =>
      received({ url: URL_GIVEN, headers: [], body: NOTHING, source: `${networkAt(pick(count))}.7` }),
    )
}
