import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc32c } from '../../src/core/crc32c.ts'
import { ProxyFault, readProxyHeader } from '../../src/gateway/proxy-protocol.ts'

const SIGNATURE = '0d0a0d0a000d0a515549540a'
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const line = (text: string): Buffer => Buffer.from(`${text}\r\n`, 'latin1')

const GOOD: readonly (readonly [string, Buffer, string | null | undefined])[] = [
  ['TCP4', line('PROXY TCP4 192.0.2.1 192.0.2.2 0 65535'), '192.0.2.1'],
  ['TCP6', line('PROXY TCP6 2001:db8::1 ::1 1 2'), '2001:db8::1'],
  ['UNKNOWN', line('PROXY UNKNOWN'), null],
  ['UNKNOWN with what is ignored', line('PROXY UNKNOWN 010.0.0.1 x y z'), null],
  ['v2 TCP4', hex(`${SIGNATURE}2111000cc0000201c000020204d201bb`), '192.0.2.1'],
  ['v2 TCP6', hex(`${SIGNATURE}21210024 20010db8${'00'.repeat(11)}01 ${'00'.repeat(16)} 0001 0002`), '2001:db8::1'],
  ['v2 LOCAL', hex(`${SIGNATURE}20000000`), undefined],
  ['v2 LOCAL with addresses', hex(`${SIGNATURE}2011000cc0000201c000020204d201bb`), undefined],
  ['v2 UNSPEC', hex(`${SIGNATURE}21000000`), null],
  ['v2 with a value of no interest', hex(`${SIGNATURE}21110013c0000201c000020204d201bb 040004 00000000`), '192.0.2.1'],
]

describe('a PROXY header', () => {
  it.each(GOOD)('%s is read, whatever follows it', (_, header, source) => {
    const read = readProxyHeader(Buffer.concat([header, Buffer.from('POST / HTTP/1.1\r\n')]))
    expect(read).toMatchObject({ length: header.length })
    const told = read !== undefined && 'source' in read ? read.source : new Error('none')
    expect(told === null || told === undefined || told instanceof Error ? told : told.text).toBe(source)
  })

  it.each(GOOD)('%s waits for its last byte', (_, header) => {
    for (let length = 0; length < header.length; length++)
      expect(readProxyHeader(header.subarray(0, length))).toBeUndefined()
  })

  it.each([
    ['lower case', line('proxy TCP4 192.0.2.1 192.0.2.2 1 2')],
    ['two blanks', line('PROXY TCP4  192.0.2.1 192.0.2.2 1 2')],
    ['a port too many', line('PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3')],
    ['no ports', line('PROXY TCP4 192.0.2.1 192.0.2.2')],
    ['a port with a leading zero', line('PROXY TCP4 192.0.2.1 192.0.2.2 01 2')],
    ['an IPv6 address in TCP4', line('PROXY TCP4 ::1 192.0.2.2 1 2')],
    ['an IPv4 address in TCP6', line('PROXY TCP6 192.0.2.1 ::1 1 2')],
    ['a zone', line('PROXY TCP6 fe80::1%eth0 ::1 1 2')],
    ['another family', line('PROXY UDP4 192.0.2.1 192.0.2.2 1 2')],
    ['nothing after PROXY', line('PROXY ')],
    ['v2 over UDP', hex(`${SIGNATURE}2112000cc0000201c000020204d201bb`)],
    ['v2 of Unix sockets', hex(`${SIGNATURE}213100d8${'00'.repeat(0xd8)}`)],
    ['v2 with another command', hex(`${SIGNATURE}2211000cc0000201c000020204d201bb`)],
    ['v2 too short for its addresses', hex(`${SIGNATURE}21110004c0000201`)],
    ['v2 with half a value', hex(`${SIGNATURE}2111000ec0000201c000020204d201bb 0400`)],
    ['v2 with a checksum of two bytes', hex(`${SIGNATURE}21110011c0000201c000020204d201bb 030002 0000`)],
    ['v2 with a short word on TLS', hex(`${SIGNATURE}21110010c0000201c000020204d201bb 200001 01`)],
  ])('%s is refused', (_, header) => {
    expect(readProxyHeader(header)).toBeInstanceOf(ProxyFault)
  })

  it('holds its own checksum', () => {
    const header = hex(`${SIGNATURE}21110013c0000201c000020204d201bb 030004 00000000`)
    header.writeUInt32BE(crc32c(header), header.length - 4)
    expect(readProxyHeader(header)).toMatchObject({ length: header.length })
    header[20] = 9
    expect(readProxyHeader(header)).toBeInstanceOf(ProxyFault)
  })

  it('is never guessed at, and no bytes make the reader throw or read past them', () => {
    const start = fc.constantFrom(
      Buffer.from('PROXY '),
      Buffer.from('PROXY TCP4 '),
      hex(`${SIGNATURE}2111`),
      Buffer.alloc(0),
    )
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 300 }), (head, rest) => {
        const bytes = Buffer.concat([head, rest])
        const read = readProxyHeader(bytes)
        expect(read === undefined || read instanceof ProxyFault || read.length <= bytes.length).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})

it.each([
  ['123456789', 0xe3069283],
  ['', 0],
  ['\0'.repeat(32), 0x8a9136aa],
])('crc32c of %j is that of RFC 3720', (text, sum) => {
  expect(crc32c(Buffer.from(text, 'latin1'))).toBe(sum)
})
