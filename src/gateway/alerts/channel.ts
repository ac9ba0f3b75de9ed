import type { UpstreamResult } from '../../forward/exchange.ts'
import { quietOf } from '../../forward/receiver-limits.ts'
import type { AlertMessage } from '../../observe/alerts/message.ts'
import { type Outlet, saidBy } from '../outlet.ts'
import type { Delivery, Sent } from './receiver.ts'

/** How one kind of receiver is spoken to. */
export interface Channel {
  /** How many of these, in their order, go into one sending. */
  fitting(messages: readonly AlertMessage[]): number
  /** @param now epoch milliseconds, of this attempt */
  write(
    messages: readonly AlertMessage[],
    now: number,
  ): { readonly path: string; readonly headers: string[]; readonly body: string }
  /** What the receiver makes of a message. */
  judge(status: number, text: string): Verdict
}

export type Verdict =
  | { readonly ok: true }
  /** `again` absent: as its status says. */
  | {
      readonly ok: false
      readonly again?: boolean
      readonly afterMs?: number | undefined
      readonly said: string
      readonly mend: string
    }

export function deliverBy(channel: Channel, outlet: Outlet, now: () => number): Delivery {
  return {
    fitting: channel.fitting,
    async send(messages) {
      const { path, headers, body } = channel.write(messages, now())
      const answer = await outlet.post(path, [...headers, 'Content-Type', 'application/json'], Buffer.from(body))
      return answer.ok ? judged(channel, answer, now()) : unreached(answer.message, outlet)
    },
  }
}

/** Of a chat: what has piled up goes into one message. */
const PILE = 20

/** How many of these go into one message of a chat that takes so many characters: nothing of what was told may be cut off. */
export function piled(
  messages: readonly AlertMessage[],
  characters: number,
  textOf: (messages: readonly AlertMessage[]) => string,
): number {
  let count = Math.min(messages.length, PILE)
  while (count > 1 && textOf(messages.slice(0, count)).length > characters) count--
  return count
}

function judged(channel: Channel, answer: UpstreamResult & { readonly ok: true }, now: number): Sent {
  const { status, headers } = answer
  const verdict = channel.judge(status, saidBy(answer))
  if (verdict.ok) return verdict
  return {
    ...verdict,
    again: verdict.again ?? mayPass(status),
    afterMs: Math.max(verdict.afterMs ?? 0, quietOf(status, headers, now)),
  }
}

/** Whether another attempt may fare better. */
const mayPass = (status: number): boolean => status === 408 || status === 425 || status === 429 || status >= 500

function unreached(said: string, { host }: Outlet): Sent {
  return { ok: false, again: true, said, mend: `See whether ${host} is reached from this host.` }
}
