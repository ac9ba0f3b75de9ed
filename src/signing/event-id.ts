import type { BodyRequest } from '../core/request.ts'
import type { EventIdPlace } from './provider.ts'

export interface EventId {
  readonly id: string
  /** Whether a stranger would break the signature by changing it. */
  readonly signed: boolean
}

export type EventIdReader = (request: BodyRequest) => EventId | undefined

/** Reads the sender's id of an event; `undefined` where there is none, or one that can't tell events apart. */
export function eventIdReader(place: EventIdPlace | undefined): EventIdReader {
  if (place === undefined || 'claim' in place) return () => undefined
  if ('header' in place) {
    const { signed } = place
    const header = place.header.toLowerCase()
    const elsewhere = place.elsewhere?.toLowerCase()
    return ({ headers }) => {
      const id = headers.one(header) ?? (elsewhere === undefined ? undefined : headers.one(elsewhere))
      return id ? { id, signed } : undefined
    }
  }
  const { signed = true } = place
  return request => {
    let value: unknown = request.peekJson()
    for (const name of place.json) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
      value = Reflect.get(value, name)
    }
    if (typeof value === 'string' && value !== '') return { id: value, signed }
    // Beyond this, several numbers of JSON become one here, and the second event would count as a copy of the first.
    return Number.isSafeInteger(value) ? { id: String(value), signed } : undefined
  }
}
