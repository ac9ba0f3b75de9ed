/** What somebody is told: that something began, or that it is over. */
export interface AlertMessage {
  /** The same for every attempt to deliver it, so that a receiver can tell a second copy. Letters, digits and "-". */
  readonly id: string
  /** What its beginning and its end have in common. */
  readonly alert: string
  readonly phase: 'started' | 'ended'
  /** The rule's key in the config. */
  readonly rule: string
  readonly subject: string
  readonly route: string | undefined
  readonly what: string
  /** Absent at the end. */
  readonly evidence: string | undefined
  readonly mend: string | undefined
  /** Epoch milliseconds. */
  readonly startedAt: number
  /** Absent at the beginning. */
  readonly endedAt: number | undefined
}

/** Where it was seen, and where more is to be seen. */
export interface Letterhead {
  /** The gate's host. */
  readonly host: string
  /** Absolute URL; `undefined` where there is none. */
  readonly link: string | undefined
}

/** The message as plain text for a chat, a line for each of what, evidence, mend, time and link. */
export function textOf(message: AlertMessage, { host, link }: Letterhead): string {
  const { phase, what, evidence, mend, startedAt, endedAt, route } = message
  const lines = [`Sallyport on ${host}, ${phase === 'started' ? 'alert' : 'over'}: ${what}`]
  if (evidence !== undefined) lines.push(`Evidence: ${evidence}`)
  if (mend !== undefined) lines.push(`Mend: ${mend}`)
  lines.push(endedAt === undefined ? `Since ${minute(startedAt)}` : `From ${minute(startedAt)} to ${minute(endedAt)}`)
  if (link !== undefined) lines.push(linkTo(link, route))
  return lines.join('\n')
}

/** Several messages as one text: a line for each, so that many at once are no flood. */
export function textOfAll(messages: readonly AlertMessage[], letterhead: Letterhead): string {
  const [first, ...others] = messages
  if (first === undefined || others.length === 0) return first === undefined ? '' : textOf(first, letterhead)
  const { host, link } = letterhead
  const lines = messages.map(({ phase, what, evidence }) =>
    phase === 'started' ? `alert: ${what} (${evidence})` : `over: ${what}`,
  )
  const more = link === undefined ? [] : [linkTo(link, undefined)]
  return [`Sallyport on ${host}, ${messages.length} messages`, ...lines, ...more].join('\n')
}

/** A fragment is no part of a request, so the link is good whatever answers there. */
export function linkTo(link: string, route: string | undefined): string {
  const base = link.endsWith('/') ? link : `${link}/`
  return route === undefined ? base : `${base}#/routes/${encodeURIComponent(route)}`
}

const minute = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`
