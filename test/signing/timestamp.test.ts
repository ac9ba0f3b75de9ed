import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readTimestamp, writeTimestamp } from '../../src/signing/timestamp.ts'

const moment = fc.integer({ min: 1, max: 4_000_000_000 })

describe('readTimestamp', () => {
  it('reads what it writes', () => {
    fc.assert(
      fc.property(moment, seconds => {
        for (const unit of ['s', 'ms', 'iso'] as const)
          expect(readTimestamp(writeTimestamp(seconds * 1000, unit), unit)).toBe(seconds * 1000)
      }),
      { numRuns: 200 },
    )
  })

  it('takes no other spelling of the same moment in seconds or milliseconds', () => {
    const spellings = (text: string) => [
      `0${text}`,
      `+${text}`,
      ` ${text}`,
      `${text} `,
      `${text}.0`,
      `${text}e0`,
      `0x${Number(text).toString(16)}`,
      `${text}\n`,
      `${text},`,
      text.replace(/^./, digit => String.fromCharCode(digit.charCodeAt(0) + 0xff10 - 0x30)),
    ]
    fc.assert(
      fc.property(moment, fc.string(), (seconds, noise) => {
        for (const unit of ['s', 'ms'] as const) {
          const text = writeTimestamp(seconds * 1000, unit)
          for (const spelt of spellings(text)) expect(readTimestamp(spelt, unit), spelt).toBeUndefined()
          const at = readTimestamp(noise, unit)
          if (at !== undefined) expect(writeTimestamp(at, unit)).toBe(noise)
        }
      }),
      { numRuns: 200 },
    )
  })

  it.each([
    ['2021-03-25T05:09:27Z', Date.UTC(2021, 2, 25, 5, 9, 27)],
    ['2021-03-25T05:09:27.5Z', Date.UTC(2021, 2, 25, 5, 9, 27, 500)],
    ['2021-03-25T07:09:27+02:00', Date.UTC(2021, 2, 25, 5, 9, 27)],
    ['2024-02-29T23:59:59Z', Date.UTC(2024, 1, 29, 23, 59, 59)],
  ])('reads RFC 3339: %s', (text, at) => {
    expect(readTimestamp(text, 'iso')).toBe(at)
  })

  it.each([
    '2021-02-29T00:00:00Z',
    '2021-02-30T00:00:00Z',
    '2021-03-25T24:00:00Z',
    '2021-03-25T05:60:00Z',
    '2021-13-01T00:00:00Z',
    '2021-03-25T05:09:27',
    '2021-03-25 05:09:27Z',
    '2021-03-25T05:09Z',
    '2021-03-25t05:09:27z',
    '20210325T050927Z',
    '+002021-03-25T05:09:27Z',
    '1616648967',
    'Thu, 25 Mar 2021 05:09:27 GMT',
    '',
  ])('refuses as RFC 3339: %s', text => {
    expect(readTimestamp(text, 'iso')).toBeUndefined()
  })
})

/** The same by the language's own parser, which knows the calendar; no sender lives before the year 1000. */
function parsed(text: string): number | undefined {
  if (!/^[1-9]\d{3}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/.test(text)) return undefined
  const at = Date.parse(text)
  const written = Date.parse(`${text.slice(0, 19)}Z`)
  if (Number.isNaN(at) || Number.isNaN(written)) return undefined
  return new Date(written).toISOString().slice(0, 19) === text.slice(0, 19) ? at : undefined
}

it('agrees with the language on what RFC 3339 is a moment, near and far from one', () => {
  const two = (max: number) => fc.integer({ min: 0, max }).map(value => String(value).padStart(2, '0'))
  const near = fc
    .record({
      year: fc.integer({ min: 1000, max: 9999 }),
      month: two(14),
      day: two(33),
      hour: two(26),
      minute: two(62),
      second: two(62),
      fraction: fc.oneof(
        fc.constant(''),
        fc.integer({ min: 0, max: 9_999_999_999 }).map(value => `.${value}`),
        fc.constant('.'),
      ),
      zone: fc.oneof(
        fc.constant('Z'),
        fc.tuple(fc.constantFrom('+', '-', ' '), two(25), two(61)).map(([sign, h, m]) => `${sign}${h}:${m}`),
      ),
    })
    .map(
      ({ year, month, day, hour, minute, second, fraction, zone }) =>
        `${year}-${month}-${day}T${hour}:${minute}:${second}${fraction}${zone}`,
    )
  const changed = fc
    .tuple(near, fc.nat(), fc.constantFrom('', ' ', '0', ':', '-', 'T', 'Z', '\n'))
    .map(([text, at, mark]) => text.slice(0, at % text.length) + mark + text.slice((at % text.length) + 1))
  fc.assert(
    fc.property(fc.oneof(near, changed), text => {
      expect(readTimestamp(text, 'iso'), text).toBe(parsed(text))
    }),
    { numRuns: 20_000 },
  )
})
