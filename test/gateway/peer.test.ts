import { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { parseNetwork } from '../../src/core/address.ts'
import { Headers } from '../../src/core/headers.ts'
import { NetworkTable } from '../../src/core/network-table.ts'
import { readForwarded } from '../../src/gateway/forwarded.ts'
import { originOf } from '../../src/gateway/peer.ts'
import { PolicyFault } from '../../src/gateway/policy.ts'

const table = (...texts: string[]) => new NetworkTable(texts.map(parseNetwork).filter(one => one !== undefined))
const TRUSTED = table('10.0.0.0/8')

function originFrom(address: string, headers: readonly string[]) {
  const socket = new Socket()
  Object.defineProperty(socket, 'remoteAddress', { value: address })
  const origin = originOf(socket, false, new Headers(headers), TRUSTED)
  return origin instanceof PolicyFault ? origin.rule : `${origin.encrypted ? 'https' : 'http'} ${origin.source.text}`
}

describe('Forwarded', () => {
  it.each([
    ['for=192.0.2.1', 'http 192.0.2.1'],
    ['For="192.0.2.1:4711";Proto=HTTPS;by=10.0.0.1;host=a.example', 'https 192.0.2.1'],
    ['for="[2001:db8::1]:_x";proto=https', 'https 2001:db8::1'],
    ['for=203.0.113.66, for=192.0.2.1;proto=https, for=10.1.1.1;proto=http', 'https 192.0.2.1'],
    ['for=192.0.2.1;proto="https"', 'https 192.0.2.1'],
    ['for=10.3.3.3', 'http 10.3.3.3'],
  ])('%s of a trusted proxy: %s', (text, expected) => {
    expect(originFrom('10.0.0.9', ['Forwarded', text])).toBe(expected)
  })

  it.each([
    'for=unknown',
    'for=_hidden',
    'for=192.0.2.1, for=unknown',
    'proto=https',
    'for=192.0.2.1;for=192.0.2.2',
    'for=192.0.2.1:80',
    'for=2001:db8::1',
    'for="192.0.2.1',
    'for=192.0.2.1,',
    ',for=192.0.2.1',
    'for=010.0.0.1',
    'for = 192.0.2.1',
    '',
    'x',
  ])('%j of a trusted proxy is refused', text => {
    expect(originFrom('10.0.0.9', ['Forwarded', text])).toMatch(/Forwarded/)
  })

  it('of more than 32 hops is refused', () => {
    const text = Array.from({ length: 33 }, () => 'for=10.0.0.1').join(', ')
    expect(originFrom('10.0.0.9', ['Forwarded', text])).toMatch(/more than 32/)
  })

  it('on two lines is one list', () => {
    expect(originFrom('10.0.0.9', ['Forwarded', 'for=203.0.113.66', 'Forwarded', 'for=192.0.2.1'])).toBe(
      'http 192.0.2.1',
    )
  })

  it('of anyone else is not read', () => {
    expect(originFrom('192.0.2.200', ['Forwarded', 'for=192.0.2.1;proto=https'])).toBe('http 192.0.2.200')
  })

  it.each([
    [['X-Forwarded-For', '192.0.2.1', 'Forwarded', 'for=192.0.2.1'], 'http 192.0.2.1'],
    [
      ['X-Forwarded-For', '::ffff:192.0.2.1', 'X-Forwarded-Proto', 'https', 'Forwarded', 'for=192.0.2.1;proto=https'],
      'https 192.0.2.1',
    ],
    [['X-Forwarded-Proto', 'https', 'Forwarded', 'for=192.0.2.1'], 'https 192.0.2.1'],
    [['X-Forwarded-For', '192.0.2.1', 'Forwarded', 'for=192.0.2.2'], 'Forwarded and X-Forwarded'],
    [['X-Forwarded-Proto', 'http', 'Forwarded', 'for=192.0.2.1;proto=https'], 'Forwarded and X-Forwarded'],
    [['X-Forwarded-Proto', 'https', 'X-Forwarded-Proto', 'http'], 'x-forwarded-proto comes twice'],
  ])('beside X-Forwarded-*: %j', (headers, expected) => {
    expect(originFrom('10.0.0.9', headers)).toContain(expected)
  })

  it('is read in time that grows with its length alone', () => {
    const from = performance.now()
    readForwarded(`for="${'\\a'.repeat(8_000)}`)
    readForwarded(`${'a'.repeat(16_000)}`)
    readForwarded(`${' '.repeat(16_000)}`)
    expect(performance.now() - from).toBeLessThan(500)
  })
})
