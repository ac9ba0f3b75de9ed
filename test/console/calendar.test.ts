import { describe, expect, it } from 'vitest'
import { calendarOf } from '../../src/console/calendar.ts'
import type { Expiry } from '../../src/core/resources.ts'

const NOW = Date.parse('2026-01-31T08:15:00.250Z')
const of = (...expiries: Expiry[]): string => calendarOf(expiries, NOW)
const inDays = (days: number): number => NOW + days * 86_400_000
/** Folded lines joined, as RFC 5545, 3.1 has it. */
const unfolded = (calendar: string): string[] => calendar.replaceAll('\r\n ', '').split('\r\n').slice(0, -1)

describe('the calendar of what ends', () => {
  it('is one event at each end, with alarms that are still to come', () => {
    const lines = unfolded(of({ kind: 'certificate', name: 'gate.example', at: inDays(10) }))
    expect(lines[0]).toBe('BEGIN:VCALENDAR')
    expect(lines.at(-1)).toBe('END:VCALENDAR')
    expect(lines).toContain('DTSTAMP:20260131T081500Z')
    expect(lines).toContain('DTSTART:20260210T081500Z')
    expect(lines).toContain('SUMMARY:certificate gate.example ends')
    expect(lines.filter(line => line.startsWith('TRIGGER'))).toEqual(['TRIGGER:-P7D', 'TRIGGER:-P1D'])
    for (const part of ['VEVENT', 'VALARM', 'VCALENDAR'])
      expect(lines.filter(line => line === `BEGIN:${part}`)).toHaveLength(
        lines.filter(line => line === `END:${part}`).length,
      )
  })

  it('wakes nobody sooner than in the last third of a life', () => {
    const alarms = (life: number) =>
      unfolded(of({ kind: 'certificate', name: 'a', at: inDays(life), since: NOW })).filter(line =>
        /TRIGGER/.test(line),
      )
    expect(alarms(365)).toEqual(['TRIGGER:-P30D', 'TRIGGER:-P7D', 'TRIGGER:-P1D'])
    expect(alarms(30)).toEqual(['TRIGGER:-P7D', 'TRIGGER:-P1D'])
    expect(alarms(6)).toEqual(['TRIGGER:-P1D'])
    expect(alarms(1)).toEqual(['TRIGGER:-PT240M'])
  })

  it('keeps the id of an end, so that a calendar replaces it', () => {
    const uid = (days: number, name: string) =>
      unfolded(of({ kind: 'secret', name, at: inDays(days) })).find(line => line.startsWith('UID:'))
    expect(uid(5, 'a')).toBe(uid(500, 'a'))
    expect(uid(5, 'a')).not.toBe(uid(5, 'b'))
  })

  it('wakes nobody for what the gate renews by itself', () => {
    const told = of({ kind: 'certificate', name: 'gate.example', at: inDays(60), renewsAt: inDays(30) })
    expect(told).toContain('DTSTART')
    expect(told).not.toContain('VALARM')
  })

  it('is whole without anything that ends', () => {
    expect(of().split('\r\n')).toContain('END:VCALENDAR')
    expect(of()).not.toContain('VEVENT')
  })

  it('lets no name write a line, and folds between characters at 75 octets', () => {
    const name = `a,b;c\\d\r\nEND:VEVENT\u001b[31m${'é'.repeat(80)}`
    const calendar = of({ kind: 'token', name, at: inDays(1) })
    for (const line of calendar.split('\r\n')) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(75)
    expect(calendar).not.toContain('\ufffd')
    const summary = unfolded(calendar).find(line => line.startsWith('SUMMARY'))
    expect(summary).toBe(`SUMMARY:token a\\,b\\;c\\\\d\\nEND:VEVENT [31m${'é'.repeat(80)} ends`)
    expect(calendar.split('\r\n').filter(line => line === 'END:VEVENT')).toHaveLength(1)
  })
})
