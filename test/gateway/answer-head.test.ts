import { describe, expect, it } from 'vitest'
import { answerHead } from '../../src/gateway/http/answer-head.ts'

const DATE = 'Date: Sun, 29 Nov 2026 00:00:00 GMT\r\n\r\n'
const NOW = Date.UTC(2026, 10, 29)

describe('the head of an answer', () => {
  it('is its own, whatever the head before was', () => {
    const heads: readonly [number, readonly string[], string][] = [
      [200, [], ''],
      [200, ['A', '1'], ''],
      [200, ['A', '1', 'B', '2'], 'Own: x\r\n'],
      [404, ['A', '1', 'B', '2'], ''],
      [404, ['A', '1', 'B', '3'], 'Own: y\r\n'],
      [404, ['A', '1'], ''],
    ]
    for (let round = 0; round < 40; round++)
      for (const [status, fields, own] of [...heads, heads[round % heads.length] ?? heads[0] ?? [200, [], '']]) {
        const lines = fields.map((text, at) => (at % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join('')
        const reason = status === 200 ? 'OK' : 'Not Found'
        expect(answerHead(status, fields, own, NOW)).toBe(`HTTP/1.1 ${status} ${reason}\r\n${lines}${own}${DATE}`)
      }
  })

  it('is none where a field can not be written, and the next one is whole', () => {
    const good = ['A', '1', 'B', '2']
    for (let i = 0; i < 3; i++) {
      const first = answerHead(200, good, '', NOW)
      expect(() => answerHead(500, ['A', '1\r\nB: 2', 'B', '2'], '', NOW)).toThrow('no field may hold')
      expect(answerHead(500, good, '', NOW)).toBe(first.replace('200 OK', '500 Internal Server Error'))
      expect(answerHead(200, good, '', NOW)).toBe(first)
    }
  })
})
