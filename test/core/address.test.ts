import { describe, expect, it } from 'vitest'
import { parseAddress, parseNetwork } from '../../src/core/address.ts'

describe('parseAddress', () => {
  it.each([
    ['192.0.2.1', 4, '192.0.2.1'],
    ['::ffff:192.0.2.1', 4, '192.0.2.1'],
    ['::FFFF:c000:201', 4, '192.0.2.1'],
    ['2001:DB8:0:0::1', 6, '2001:db8::1'],
    ['64:ff9b::192.0.2.1', 6, '64:ff9b::c000:201'],
    // Not mapped: an IPv6 address of its own.
    ['::192.0.2.1', 6, '::c000:201'],
    ['::127.0.0.1', 6, '::7f00:1'],
  ])('reads %s as IPv%i %s', (text, family, canonical) => {
    expect(parseAddress(text)).toMatchObject({ family, text: canonical })
  })

  it.each([
    '0x7f.1',
    '127.1',
    '2130706433',
    '0177.0.0.1',
    '010.0.0.1',
    '1.2.3.4:80',
    '[::1]',
    'fe80::1%eth0',
    '',
    ' 1.2.3.4',
  ])('does not read "%s"', text => {
    expect(parseAddress(text)).toBeUndefined()
    expect(parseNetwork(text)).toBeUndefined()
  })
})

describe('parseNetwork', () => {
  it.each([
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '::/129',
    '::ffff:0:0/95',
    '10.0.0.0/ 8',
  ])('does not read "%s"', text => {
    expect(parseNetwork(text)).toBeUndefined()
  })
})
