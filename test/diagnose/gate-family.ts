import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { explain } from '../../src/cli/explain.ts'
import type { Finding } from '../../src/core/finding.ts'
import type { Explanation } from '../../src/pipeline/explanation.ts'
import { runVerb } from '../cli/run-verb.ts'
import { type Ask, ask } from '../support/client.ts'
import { type RunningGate, startGate, tempFolder } from '../support/gate.ts'
import { Kept } from '../support/kept.ts'
import { freePort } from '../support/ports.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'
import type { Entry, Family } from './entry.ts'

const ADMIN_TOKEN = 'the-admin-token-of-the-catalogue'

/** What a set-up's request is made of. */
export interface Place {
  readonly gate: RunningGate
  readonly folder: string
  readonly kept: Kept
  /** Of a listener; `public` if none is named. */
  port(listener?: string): number
}

export type Sent = Omit<Ask, 'unix'> & {
  /** The listener that it goes to; default `public`. */
  readonly to?: string
  /** Of what stands in front of the listener, where it goes there. */
  readonly port?: number
  /** How often; the last one is asked about. */
  readonly times?: number
}

/** What is no whole request, known by the code that the gate logs. */
export interface Spoken {
  readonly speak: () => Promise<unknown>
  readonly code: string
}

export interface Request extends Omit<Entry, 'tell'> {
  readonly send: (place: Place) => Sent | Spoken | Promise<Sent>
  /** Whether the capture is downloaded first, and explained from its file. */
  readonly fromFile?: boolean
}

export interface GateFamily {
  readonly name: string
  readonly env: Readonly<Record<string, string>>
  /** Listeners and routes, YAML. UPSTREAM stands for the CRM's URL. */
  readonly config: string
  /** Makes the files that the config names. */
  readonly prepare?: (folder: string) => void | Promise<void>
  /** How many listeners the config has. */
  readonly listeners?: number
  readonly requests: readonly Request[]
}

/** Broken requests to one running gate, which is asked by `sallyport explain REQUEST-ID`. */
export function gateFamily({ name, env, config, prepare, listeners = 1, requests }: GateFamily): Family {
  return {
    name,
    async open() {
      const folder = tempFolder()
      await prepare?.(folder)
      const upstream = await startUpstream()
      const whole = { ADMIN_TOKEN, ...env }
      const gate = await start(config, upstream, whole, folder, listeners)
      const kept = new Kept({ port: gate.port('admin'), token: ADMIN_TOKEN })
      const place = { gate, folder, kept, port: (listener = 'public') => gate.port(listener) }
      return {
        entries: requests.map(({ send, fromFile = false, ...entry }) => ({
          ...entry,
          tell: async () => whatWasSaid(await send(place), place, whole, fromFile),
        })),
        async close() {
          await gate.stop()
          await upstream.close()
        },
      }
    },
  }
}

async function start(
  config: string,
  upstream: TestUpstream,
  env: Readonly<Record<string, string>>,
  folder: string,
  listeners: number,
): Promise<RunningGate> {
  const admin = `admin: { bind: "127.0.0.1:${await freePort()}", token: { env: ADMIN_TOKEN } }`
  const yaml = `${admin}\ncaptures: { keep: 1000, max-body: 2MiB }\n${config.replaceAll('UPSTREAM', upstream.url)}`
  return startGate(yaml, env, folder, listeners + 1)
}

async function whatWasSaid(
  sent: Sent | Spoken,
  place: Place,
  env: Readonly<Record<string, string>>,
  fromFile: boolean,
): Promise<readonly Finding[]> {
  const id = 'speak' in sent ? await idOfSpoken(sent, place) : await idOfSent(sent, place)
  const ask = (what: string, ...more: string[]) =>
    runVerb(explain, [what, '--config', 'gate.yaml', ...more], { env, cwd: place.folder })
  if (fromFile) writeFileSync(join(place.folder, `${id}.json`), (await ask(id, '--capture')).stdout)
  const { stdout, stderr } = await ask(fromFile ? `${id}.json` : id, '--json')
  if (stdout === '') throw new Error(`it was not refused: ${stderr}`)
  return findingsOf(JSON.parse(stdout) as Explanation)
}

async function idOfSent({ to, times = 1, ...request }: Sent, place: Place): Promise<string> {
  for (let count = 1; count < times; count++) {
    await place.kept.turn()
    await ask({ port: place.port(to), ...request })
    place.kept.passed()
  }
  await place.kept.turn()
  const id = String((await ask({ port: place.port(to), ...request })).headers['x-request-id'])
  await place.kept.keeps(id)
  return id
}

async function idOfSpoken({ speak, code }: Spoken, { gate }: Place): Promise<string> {
  const told = gate.next(line => line.code === code)
  await speak()
  return String((await told)['request-id'])
}

/** What is said of the step that refused; the refusal's own words where no cause was found. */
export function findingsOf({ steps, outcome }: Explanation): readonly Finding[] {
  const step = steps.find(each => each.outcome === 'fail')
  if (!step) throw new Error(`the request was not refused but ${outcome}`)
  if (step.findings.length > 0) return step.findings
  const { code = '', note, remedy = '' } = step
  return [{ level: 'fail', cause: code, certainty: 'likely', because: note, mend: remedy }]
}
