import { sign as signForGitHub } from '@octokit/webhooks-methods'
import { explain } from '../../src/cli/explain.ts'
import type { PatternList } from '../../src/console/patterns-api.ts'
import type { Finding } from '../../src/core/finding.ts'
import { runVerb } from '../cli/run-verb.ts'
import { ask } from '../support/client.ts'
import { startGate, tempFolder } from '../support/gate.ts'
import { counted } from '../support/kept.ts'
import { type MovedClock, movedClock } from '../support/moved-clock.ts'
import { freePort } from '../support/ports.ts'
import { startUpstream } from '../support/upstream.ts'
import type { Entry, Family } from './entry.ts'

const ENV = {
  ADMIN_TOKEN: 'the-admin-token-of-the-catalogue',
  GITHUB: 'gh-6b1d0f9e4c3a8275',
  OLD: 'gh-from-before-the-change-77',
  NEW: 'gh-of-the-second-organisation',
}
const SECOND = 1000
const MINUTE = 60 * SECOND
const PARTNER = '203.0.113.7'
const OTHERS = ['198.51.100.2', '198.51.100.3', '198.51.100.4'] as const

const config = (crm: string, admin: number): string => {
  const current = '{ env: GITHUB }'
  const signed = (more = ''): string => `{ signature: { provider: github, secrets: [${current}${more}] } }`
  const route = (name: string, checks: string): string =>
    `  - { name: ${name}, match: { path: /${name} }, checks: [${checks}], forward: { to: "${crm}/${name}" } }`
  return `
workers: 1
admin: { bind: "127.0.0.1:${admin}", token: { env: ADMIN_TOKEN } }
captures: { keep: 1000, max-body: 512KiB }
listeners: [{ name: public, bind: "127.0.0.1:0", trusted-proxies: [127.0.0.1] }]
routes:
${route('limited', `{ rate-limit: { rate: 60/min, burst: 4, by: route } }, ${signed()}`)}
${route('rotated', signed(', { name: previous, env: OLD, expires: 2026-03-01T00:00:00Z }'))}
${route('large', signed())}
${route('outage', signed())}
${route('two', signed(', { name: second, env: NEW }'))}
${route('crowd', signed())}
${route('changed', signed())}
${route('hourly', signed())}
${route('unsigned', signed())}
${route('emptied', signed())}
`
}

/** What comes and goes: a running gate with hours of traffic, whose clock the catalogue moves. */
export const patterns: Family = {
  name: 'patterns',
  async open() {
    const folder = tempFolder()
    const clock = movedClock(folder)
    const crm = await startCrm(clock)
    const gate = await startGate(config(crm.url, await freePort()), { ...ENV, ...clock.env }, folder, 2)
    const port = gate.port('public')
    const admin = { port: gate.port('admin'), token: ENV.ADMIN_TOKEN }
    let asked = 0
    const send = async (
      route: string,
      { source = OTHERS[0], secret = ENV.GITHUB, body = '{"id":5}', arrives = body }: Sending = {},
    ) => {
      const headers = {
        'content-type': 'application/json',
        ...(secret === '' ? {} : { 'x-hub-signature-256': await signForGitHub(secret, body) }),
        'x-forwarded-for': source,
      }
      await ask({ port, path: `/${route}`, headers, body: arrives })
      await counted(admin, ++asked)
    }
    /** Right events of several senders, one each few seconds. */
    const usual = async (route: string, count: number, more: Sending = {}) => {
      for (let sent = 0; sent < count; sent++) {
        clock.pass(7 * SECOND + (sent % 3) * 1700)
        await send(route, { source: OTHERS[sent % OTHERS.length] ?? '', ...more })
      }
    }
    const common = async (route: string): Promise<readonly Finding[]> => {
      const args = ['--route', route, '--config', 'gate.yaml', '--json']
      const { stdout, stderr } = await runVerb(explain, args, { env: ENV, cwd: folder })
      if (stdout === '') throw new Error(stderr)
      const { patterns: found } = JSON.parse(stdout) as PatternList
      return found.flatMap(({ clauses, sentence, because, mend }) =>
        clauses.map(({ kind }) => ({
          level: 'fail' as const,
          cause: `pattern.${kind}`,
          certainty: 'likely' as const,
          because: `${sentence}; because ${because ?? ''}`,
          mend: mend ?? '',
        })),
      )
    }
    const entry = (
      route: string,
      what: string,
      cause: string,
      says: RegExp,
      traffic: () => Promise<void>,
      also: readonly string[] = [],
    ): Entry => ({
      what,
      cause,
      says,
      also,
      tell: async () => {
        await traffic()
        return common(route)
      },
    })
    const toNext = (period: number, past: number): void => clock.pass(period - (clock.now() % period) + past)
    return {
      entries: [
        entry(
          'limited',
          'a cron job of the sender that sends all it has at the full minute',
          'pattern.time',
          /full minute.*your own rate limit/,
          async () => {
            for (let minute = 0; minute < 12; minute++) {
              toNext(MINUTE, 100)
              for (let sent = 0; sent < 7; sent++) await send('limited')
              for (let sent = 0; sent < 6; sent++) {
                clock.pass(7900)
                await send('limited', { source: OTHERS[1] })
              }
            }
          },
          // The job is one sender, and a crowd: both are so.
          ['pattern.rate', 'pattern.source'],
        ),
        entry(
          'rotated',
          'one of the senders that still has the old secret',
          'pattern.source',
          /only from 203\.0\.113\.7.*"previous"/,
          async () => {
            for (let round = 0; round < 8; round++) {
              await usual('rotated', 4)
              await send('rotated', { source: PARTNER, secret: ENV.OLD })
            }
          },
        ),
        entry('large', 'an upstream that throws at bodies over 256 KiB', 'pattern.size', /256 KiB.*500/, async () => {
          for (let round = 0; round < 8; round++) {
            await usual('large', 3, { body: JSON.stringify({ data: 'x'.repeat((230 + round) * 1024) }) })
            await send('large', {
              source: OTHERS[round % 3] ?? '',
              body: JSON.stringify({ data: 'x'.repeat((270 + round * 9) * 1024) }),
            })
          }
        }),
        entry('outage', 'an upstream that was down for a while', 'pattern.span', /from .* to .*503/, async () => {
          await usual('outage', 30)
          crm.broken.add('outage')
          await usual('outage', 8)
          crm.broken.delete('outage')
          await usual('outage', 30)
        }),
        entry('two', 'an upstream that does not know the second sender', 'pattern.key', /"second".*500/, async () => {
          for (let round = 0; round < 8; round++) {
            await usual('two', 3)
            await usual('two', 1, { source: OTHERS[round % 3] ?? '', secret: ENV.NEW, body: '{"id":7}' })
          }
        }),
        entry('crowd', 'an upstream that takes three a second', 'pattern.rate', /within a second.*503/, async () => {
          for (let round = 0; round < 6; round++) {
            await usual('crowd', 9)
            clock.pass(11_300 + round * 700)
            for (let sent = 0; sent < 5; sent++) await send('crowd', { source: OTHERS[sent % 3] ?? '' })
          }
        }),
        entry(
          'changed',
          'a secret that was changed at the sender alone',
          'pattern.span',
          /every one since/,
          async () => {
            await usual('changed', 12)
            await usual('changed', 8, { secret: 'another-secret-of-the-sender' })
          },
        ),
        entry(
          'unsigned',
          'one of the senders that was given no secret, whose bodies nobody read',
          'pattern.source',
          /only from 203\.0\.113\.7.*signature\.missing/,
          async () => {
            for (let round = 0; round < 8; round++) {
              await usual('unsigned', 4)
              await send('unsigned', { source: PARTNER, secret: '' })
            }
          },
        ),
        entry('emptied', 'a proxy that loses some bodies', 'pattern.size', /only without a body/, async () => {
          for (let round = 0; round < 8; round++) {
            await usual('emptied', 4)
            await send('emptied', { source: OTHERS[round % 3] ?? '', arrives: '' })
          }
        }),
        entry(
          'hourly',
          'an upstream that makes its backup at the full hour',
          'pattern.time',
          /full hour.*503/,
          async () => {
            for (let hour = 0; hour < 6; hour++) {
              for (let sent = 0; sent < 8; sent++) {
                clock.pass(6 * MINUTE)
                await send('hourly', { source: OTHERS[sent % 3] ?? '' })
              }
              toNext(60 * MINUTE, 20_000)
              crm.broken.add('hourly')
              await send('hourly', { source: OTHERS[hour % 3] ?? '' })
              crm.broken.delete('hourly')
              clock.pass(5 * MINUTE)
            }
          },
        ),
      ],
      async close() {
        await gate.stop()
        await crm.close()
      },
    }
  },
}

interface Sending {
  readonly source?: string
  /** Empty: it is not signed. */
  readonly secret?: string
  readonly body?: string
  /** What is left of the body on the way. */
  readonly arrives?: string
}

/** An upstream with the faults that the entries are about. */
async function startCrm(clock: MovedClock) {
  const broken = new Set<string>()
  const arrivals: number[] = []
  const upstream = await startUpstream((req, res) => {
    const name = (req.url ?? '').slice(1)
    const body = upstream.received.at(-1)?.body ?? Buffer.alloc(0)
    let status = 200
    if (broken.has(name)) status = 503
    if (name === 'large' && body.length > 256 * 1024) status = 500
    if (name === 'two' && body.toString().includes('7')) status = 500
    if (name === 'crowd') {
      arrivals.push(clock.now())
      if (arrivals.filter(at => at > clock.now() - SECOND).length > 3) status = 503
    }
    res.writeHead(status, { 'content-type': 'application/json' }).end('{}')
  })
  return { url: upstream.url, broken, close: () => upstream.close() }
}
