import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { load } from '../load.ts'
import { OTHER_CORE, start } from '../measure.ts'
import type { Peer, Site } from '../peers/peer.ts'
import { gate, gateVersion, head, sallyport } from '../peers/sallyport.ts'
import { findProgram } from '../processes.ts'
import { type Entry, leave, rounds, say, sentence } from '../rounds.ts'
import { PATH, SETTINGS, VERIFIED, type Work } from '../work.ts'
import type { Case, Scene } from './case.ts'

/** How much of everything a gate has. */
interface Size {
  readonly routes: number
  readonly networks: number
  readonly tokens: number
  readonly keys: number
}

const ONE: Size = { routes: 1, networks: 1, tokens: 1, keys: 1 }
const MANY: Size = { routes: 10_000, networks: 100_000, tokens: 1_000_000, keys: 1_000_000 }
/** Admits all, and remembers each key for an hour. */
const LIMIT = 1_000_000
const KEY_HEADER = 'X-Tenant'
/** Requests written at once where the answers don't matter. */
const PIPELINED = 16
/** How long filling the table of keys takes at the most. Seconds. */
const FILL_SECONDS = 300

const token = (i: number): string => `a-token-of-the-benchmark-${i}`

/** Networks of 16 addresses from 11.0.0.0 on, which no request comes from, and the loopback last. */
function networks(count: number): string {
  const lines: string[] = []
  for (let i = 0; i < count - 1; i++)
    lines.push(`${11 + (i >> 20)}.${(i >> 12) & 255}.${(i >> 4) & 255}.${(i & 15) << 4}/28`)
  return `${[...lines, '127.0.0.0/8'].join('\n')}\n`
}

function tokens(count: number): string {
  let text = ''
  for (let i = 1; i <= count; i++) text += `t${i} ${createHash('sha256').update(token(i)).digest('hex')}\n`
  return text
}

/** The route under load is in the middle of the others, and holds the networks, the tokens and the keys. */
function config(site: Site, size: Size): string {
  writeFileSync(join(site.folder, 'networks.txt'), networks(size.networks))
  writeFileSync(join(site.folder, 'tokens.txt'), tokens(size.tokens))
  const measured = `  - name: measured
    match: { path: ${PATH} }
    checks:
      - source-ip: { allow: [{ file: networks.txt }] }
      - rate-limit: { rate: ${LIMIT}/h, burst: ${LIMIT}, by: { header: ${KEY_HEADER} } }
      - bearer: { tokens-file: tokens.txt }
      - content-type: { accept: [json] }
      - signature: { provider: github, secrets: [{ env: HOOK_SECRET }] }
    forward:
      to: http://127.0.0.1:${site.upstream}${PATH}
      pass-headers: [X-GitHub-Event, X-GitHub-Delivery]
`
  const other = (i: number) => `  - name: r${i}
    match: { path: ${PATH}/${i} }
    checks:
      - signature: { provider: github, secrets: [{ env: HOOK_SECRET }] }
    forward: { to: "http://127.0.0.1:${site.upstream}/in" }
`
  const others = Array.from({ length: size.routes - 1 }, (_, i) => other(i))
  const middle = others.length >> 1
  return head(site) + [...others.slice(0, middle), measured, ...others.slice(middle)].join('')
}

function gateOf(size: Size, name: string, title: string): Peer {
  return {
    ...sallyport,
    name,
    title,
    note: 'source-ip, rate-limit by a header, bearer, content-type, signature',
    version: gateVersion,
    command: site => gate(site, config(site, size)),
  }
}

/** Any of the tokens and any of the keys, at random. */
function work(size: Size): Work {
  return {
    name: 'scale',
    title: scale.title,
    request: VERIFIED,
    setting: SETTINGS.plain,
    arrival: 'keep-alive',
    refused: false,
    vary: `function()
  wrk.headers["Authorization"] = "Bearer ${token(0).slice(0, -1)}" .. math.random(${size.tokens})
  wrk.headers["${KEY_HEADER}"] = "tenant-" .. math.random(${size.keys})
  return wrk.format()
end`,
  }
}

/** Makes the gate count every key once: requests without a token, refused after the rate limit. */
async function fill({ started }: Entry, keys: number): Promise<void> {
  if (started === undefined) return
  const from = performance.now()
  for (let sent = 0; sent < keys; ) {
    if (performance.now() - from > FILL_SECONDS * 1000) throw new Error(`${sent} of ${keys} keys in ${FILL_SECONDS} s`)
    const { requests } = await load({
      port: started.site.port,
      request: { ...VERIFIED, body: Buffer.alloc(0) },
      arrival: 'keep-alive',
      vary: `(function()
  local i = ${sent}
  return function()
    local all = {}
    for n = 1, ${PIPELINED} do
      i = i + 1
      wrk.headers["${KEY_HEADER}"] = "tenant-" .. i
      all[n] = wrk.format()
    end
    return table.concat(all)
  end
end)()`,
      connections: 8,
      seconds: 10,
      core: OTHER_CORE,
      folder: started.site.folder,
    })
    // What was sent and not answered when the time was over comes again with the next ones.
    sent += Math.max(1, requests - 8 * PIPELINED)
    say(`${scale.title}: ${sent} of ${keys} rate-limit keys`)
  }
}

async function enterSize(size: Size, name: string, title: string, { root, upstream }: Scene): Promise<Entry> {
  const peer = gateOf(size, name, title)
  const entry = { peer, version: peer.version(), work: work(size) }
  try {
    return { ...entry, started: await start(peer, root, upstream, SETTINGS.plain) }
  } catch (error) {
    return { ...entry, problem: `does not start: ${sentence(error)}` }
  }
}

export const scale: Case = {
  name: 'scale',
  title: '10,000 routes, 100,000 networks, 1,000,000 tokens and 1,000,000 rate-limit keys against one of each',
  async run(scene) {
    if (findProgram('wrk') === undefined) throw new Error('scale: needs wrk, which is not installed')
    const entries = [
      await enterSize(ONE, 'scale-one', 'one of each', scene),
      await enterSize(MANY, 'scale-many', 'many of each', scene),
    ]
    try {
      for (const entry of entries) if (entry.peer.name === 'scale-many') await fill(entry, MANY.keys)
      const [outcomes = []] = await rounds(entries, [work(ONE)], scene.options)
      return { kind: 'requests', name: 'scale', title: scale.title, base: 'scale-one', outcomes }
    } finally {
      await leave(entries)
    }
  },
}
