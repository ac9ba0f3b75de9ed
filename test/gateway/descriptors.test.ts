import { expect, it } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'
import { frozenClock } from '../../src/core/clock.ts'
import { described } from '../../src/forward/dial.ts'
import { DescriptorWatch } from '../../src/gateway/descriptor-watch.ts'
import { descriptorLimit, fitToDescriptors } from '../../src/gateway/descriptors.ts'
import { TurnedAway } from '../../src/gateway/turned-away.ts'
import { createLog } from '../../src/observe/log.ts'
import { causeOfFailure } from '../../src/pipeline/explain-upstream.ts'

const ROUTE = 'checks: [{ source-ip: { allow: [127.0.0.0/8] } }]'

function configOf(listeners: Readonly<Record<string, number>>, also = '', forward = '') {
  const bound = Object.entries(listeners).map(
    ([name, connections], at) =>
      `{ name: ${name}, bind: "127.0.0.1:${9000 + at}", limits: { connections: ${connections} } }`,
  )
  const { config, problems } = parseConfig(
    `
listeners: [${bound.join(', ')}]
routes:
  - { name: a, listener: ${Object.keys(listeners)[0]}, match: { path: /a, methods: [GET] }, ${ROUTE}, forward: { to: "http://127.0.0.1:3000/a"${forward} } }
${also}`,
    '/gate.yaml',
    {},
  )
  if (config === undefined) throw new Error(JSON.stringify(problems))
  return config
}

const takenBy = (config: ReturnType<typeof configOf>, limit: number | undefined) => {
  const { config: fitted, short } = fitToDescriptors(config, limit)
  return { taken: fitted.listeners.map(({ limits }) => limits.connections), short }
}

it('a config that fits is left as it is', () => {
  // 32 and 16 for the gate, 1000 from senders, 256 to the one upstream.
  const config = configOf({ a: 1_000 })
  expect(fitToDescriptors(config, 1_304)).toEqual({ config })
  expect(fitToDescriptors(config, undefined)).toEqual({ config })
  expect(takenBy(config, 1_303).taken).toEqual([999])
})

it('a config that does not is told of with both numbers, and takes as much as there is room for in its proportion', () => {
  const { taken, short } = takenBy(configOf({ a: 3_000, b: 1_000 }), 1_024)
  expect(taken).toEqual([540, 180])
  expect(short?.problem).toBe(
    'limits.connections lets in 4000 connections, for which 4304 file descriptors are needed; the process may have 1024, and takes 720 connections',
  )
  expect(short?.remedy).toMatch(/LimitNOFILE=.*limits\.connections/)
})

it('half of a small number is left for upstreams, each worker has its part, and a listener at least one connection', () => {
  expect(takenBy(configOf({ a: 10_000 }), 64).taken).toEqual([8])
  expect(takenBy(configOf({ a: 10_000 }, 'workers: 2'), 100).taken).toEqual([9])
  expect(takenBy(configOf({ a: 10_000 }), 20).taken).toEqual([1])
})

it('a WebSocket has a connection to the upstream for itself', () => {
  const plain = takenBy(configOf({ a: 4_000, b: 4_000 }), 4_304)
  const tunnels = takenBy(configOf({ a: 4_000, b: 4_000 }, '', ', stream: true, websocket: true'), 4_304)
  expect(plain.taken).toEqual([2_000, 2_000])
  expect(tunnels.taken).toEqual([1_333, 1_333])
})

it.runIf(process.platform === 'linux')('the limit is that of this process', () => {
  expect(descriptorLimit()).toBeGreaterThan(63)
})

function told() {
  const lines: Record<string, unknown>[] = []
  const log = createLog({ destination: { write: text => lines.push(JSON.parse(text)) } })
  return { log, lines: () => lines.splice(0) }
}

it('a shortage is told once, every ten minutes while it lasts, and once it has been over for ten seconds', () => {
  const clock = frozenClock(0)
  const { log, lines } = told()
  let code: string | undefined
  const watch = new DescriptorWatch(log, clock, () => {
    if (code !== undefined) throw Object.assign(new Error('open'), { code })
  })
  const look = (seconds: number) => {
    for (let i = 0; i < seconds; i++) {
      watch.look()
      clock.advance(1_000)
    }
    return lines().map(({ msg }) => msg)
  }
  expect(look(20)).toEqual([])
  code = 'EMFILE'
  watch.look()
  expect(lines()).toMatchObject([{ level: 'error', msg: 'out of file descriptors', code, limit: descriptorLimit() }])
  expect(look(600)).toEqual([])
  expect(look(1)).toEqual(['out of file descriptors'])
  code = undefined
  expect(look(5)).toEqual([])
  code = 'EMFILE'
  expect(look(5)).toEqual([])
  code = undefined
  expect(look(15)).toEqual(['file descriptors again'])
  code = 'ENFILE'
  watch.look()
  expect(lines()).toMatchObject([{ code, remedy: expect.stringContaining('fs.file-max') }])
  // Another fault of the probe says nothing of descriptors.
  code = 'ENOENT'
  clock.advance(10_000)
  expect(look(1)).toEqual(['file descriptors again'])
})

it('connections that a full listener closed are told at the first, and with their number after ten minutes', () => {
  const clock = frozenClock(0)
  const { log, lines } = told()
  const away = new TurnedAway(log, clock)
  for (let i = 0; i < 500; i++) away.count('public', 8)
  away.count('other', 5)
  expect(lines()).toMatchObject([
    { level: 'warn', msg: 'connections turned away', listener: 'public', limit: 8 },
    { listener: 'other', limit: 5 },
  ])
  clock.advance(600_000)
  away.count('public', 8)
  expect(lines()).toMatchObject([{ listener: 'public', closed: 500 }])
})

it('a connection to an upstream that lacks a descriptor is told as the fault of this side', () => {
  const message = 'connect EMFILE 127.0.0.1:3000 - Local (undefined:undefined)'
  const said = described(Object.assign(new Error(message), { code: 'EMFILE' }))
  expect(said).toBe('EMFILE: the gate has no file descriptor left for another connection')
  expect(causeOfFailure(said)).toMatchObject({ cause: 'descriptors', mend: expect.stringContaining('LimitNOFILE') })
})
