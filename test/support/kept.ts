import { setTimeout as sleep } from 'node:timers/promises'
import { SOURCE_RATE } from '../../src/observe/captures.ts'
import { ask } from './client.ts'

/** Of a gate's admin listener. */
export interface Admin {
  readonly port: number
  readonly token: string
}

const MOST = 1000
const AGAIN_MS = 5
/** And the error of two clocks. */
const SECOND_MS = 1005

const get = ({ port, token }: Admin, path: string) =>
  ask({ port, path, method: 'GET', headers: { authorization: `Bearer ${token}` } })

async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  for (let left = MOST; !(await holds()); left--) {
    if (left === 0) throw new Error(what)
    await sleep(AGAIN_MS)
  }
}

/** Refused requests to one gate, one after the other. */
export class Kept {
  readonly #admin: Admin
  readonly #ended: number[] = []

  constructor(admin: Admin) {
    this.#admin = admin
  }

  /** Waits until one more would be kept, before it is sent: of one kind, a gate keeps so many of one source a second. */
  async turn(): Promise<void> {
    const before = this.#ended.at(-SOURCE_RATE)
    if (before !== undefined) await sleep(Math.max(0, before + SECOND_MS - performance.now()))
  }

  /** Waits until it is kept: once its answer is out, and before its line is in the log, which is batched. */
  async keeps(id: string): Promise<void> {
    await until(async () => (await get(this.#admin, `/api/captures/${id}`)).status === 200, `${id} is not kept`)
    this.passed()
  }

  /** One was answered that nobody asks about. */
  passed(): void {
    this.#ended.push(performance.now())
  }
}

/** Waits until so many requests have been counted, accepted ones among them. */
export const counted = (admin: Admin, requests: number): Promise<void> =>
  until(async () => {
    const { body } = await get(admin, '/metrics')
    let sum = 0
    for (const [, count] of body.matchAll(/^sallyport_requests_total\S* (\d+)$/gm)) sum += Number(count)
    return sum >= requests
  }, `${requests} requests are not counted`)
