import { hash } from 'node:crypto'
import { warningSteps } from '../core/ending.ts'
import type { Expiry } from '../core/resources.ts'
import { mendOf } from '../observe/expiry.ts'

const DAY = 86_400_000
const MINUTE = 60_000

/**
 * What ends when, as a calendar to subscribe to (RFC 5545, refreshed daily as RFC 7986 asks): one event at each end, with
 * alarms when the log warns of what the gate does not renew by itself.
 * @param now epoch milliseconds
 */
export function calendarOf(expiries: readonly Expiry[], now: number): string {
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Sallyport//Expiries//EN',
    'CALSCALE:GREGORIAN',
    'METHOD:PUBLISH',
    'NAME:Sallyport: what ends',
    'X-WR-CALNAME:Sallyport: what ends',
    'REFRESH-INTERVAL;VALUE=DURATION:P1D',
    ...expiries.flatMap(expiry => eventOf(expiry, now)),
    'END:VCALENDAR',
  ]
  return lines.map(line => `${fold(line)}\r\n`).join('')
}

function eventOf(expiry: Expiry, now: number): string[] {
  const { kind, name, at, renewsAt } = expiry
  const summary = escaped(`${kind} ${name} ends`)
  return [
    'BEGIN:VEVENT',
    `UID:${hash('sha256', `${kind}\0${name}`).slice(0, 32)}@sallyport`,
    `DTSTAMP:${utc(now)}`,
    `DTSTART:${utc(at)}`,
    `SUMMARY:${summary}`,
    `DESCRIPTION:${escaped(mendOf(expiry))}`,
    'TRANSP:TRANSPARENT',
    ...warningSteps(expiry).flatMap(step => (at - now > step && renewsAt === undefined ? alarm(step, summary) : [])),
    'END:VEVENT',
  ]
}

const alarm = (step: number, summary: string): string[] => [
  'BEGIN:VALARM',
  'ACTION:DISPLAY',
  `TRIGGER:-${step % DAY === 0 ? `P${step / DAY}D` : `PT${Math.round(step / MINUTE)}M`}`,
  `DESCRIPTION:${summary}`,
  'END:VALARM',
]

const utc = (epochMs: number): string => new Date(epochMs).toISOString().replace(/[-:]|\.\d+/g, '')

/** Text as RFC 5545, 3.3.11 writes it; other control characters, which it forbids, become blanks. */
function escaped(text: string): string {
  return text
    .replace(/[\\;,]/g, '\\$&')
    .replace(/\r\n|\r|\n/g, '\\n')
    .replace(/\p{Cc}/gu, ' ')
}

/** Lines of 75 octets at most (RFC 5545, 3.1), no character torn apart. */
function fold(line: string): string {
  let folded = ''
  let octets = 0
  for (const char of line) {
    const size = Buffer.byteLength(char)
    if (octets + size > 75) {
      folded += '\r\n '
      octets = 1
    }
    folded += char
    octets += size
  }
  return folded
}
