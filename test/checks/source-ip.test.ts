import { describe, expect, it } from 'vitest'
import { sourceIp } from '../../src/checks/source-ip.ts'
import { testCheck } from './testCheck.ts'

testCheck(sourceIp, {
  allows: [
    { name: 'a listed network', config: { allow: ['192.0.2.0/24'] } },
    { name: 'IPv4 in IPv6 form', config: { allow: ['192.0.2.0/24'] }, request: { source: '::ffff:192.0.2.9' } },
    { name: 'IPv6', config: { allow: ['2001:db8::/32'] }, request: { source: '2001:db8::1' } },
    {
      name: "a provider's network",
      config: { allow: ['provider:telegram', '127.0.0.0/8'] },
      request: { source: '149.154.167.220' },
    },
  ],
  denies: [
    {
      name: 'what is not listed',
      config: { allow: ['198.51.100.0/24'] },
      code: 'source-ip.outside',
      evidence: { source: '192.0.2.1', because: 'not in allow' },
    },
    {
      name: 'what deny lists, though allow does too',
      config: { allow: ['192.0.2.0/24'], deny: ['192.0.2.1'] },
      code: 'source-ip.outside',
      evidence: { source: '192.0.2.1', because: 'in deny' },
    },
    {
      name: 'IPv4 where only ::/0 is listed',
      config: { allow: ['::/0'] },
      request: { source: '::ffff:192.0.2.1' },
      code: 'source-ip.outside',
    },
  ],
})

describe('source-ip configuration', () => {
  it.each([
    [{ allow: [] }, 'an empty list admits nobody'],
    [{}, ''],
    [{ allow: ['192.0.2.0/33'] }, '"192.0.2.0/33" is no network'],
    [{ allow: ['010.0.0.1'] }, '"010.0.0.1" is no network'],
    [{ allow: ['127.1'] }, 'is no network'],
    [{ allow: ['2130706433'] }, 'is no network'],
    [{ allow: ['0x7f.0.0.1'] }, 'is no network'],
    [{ allow: ['0177.0.0.1'] }, 'is no network'],
    [{ allow: ['fe80::1%eth0'] }, 'is no network'],
    [{ allow: ['provider:nobody'] }, 'known are provider:telegram'],
    [{ allow: ['10.0.0.0/8'], deny: ['x'] }, '"x" is no network'],
  ])('refuses %j', (config, message) => {
    const result = sourceIp.config.safeParse(config)
    expect(result.success).toBe(false)
    expect(result.error?.message).toContain(message.replaceAll('"', '\\"'))
  })
})
