import { describe, expect, it } from 'vitest'
import { contentEncoding } from '../../src/checks/content-encoding.ts'
import { compile, type DenyCase, testCheck } from './testCheck.ts'

const of = (coding: string | readonly string[]) => ({ headers: { 'Content-Encoding': coding } })
const refused = (
  name: string,
  coding: string | readonly string[],
  accept?: readonly string[],
): DenyCase<'content-encoding.unsupported'> => ({
  name,
  ...(accept && { config: { accept } }),
  request: of(coding),
  code: 'content-encoding.unsupported',
})

testCheck(contentEncoding, {
  allows: [
    { name: 'no coding', config: { accept: [] } },
    { name: 'identity', config: { accept: [] }, request: of('identity') },
    { name: 'gzip', request: of('gzip') },
    { name: 'x-gzip in any case', config: { accept: ['gzip'] }, request: of('X-GZip') },
    { name: 'br', request: of('br') },
    { name: 'zstd', request: of('zstd') },
  ],
  denies: [
    { ...refused('gzip, where nothing is accepted', 'gzip', []), headers: { 'Accept-Encoding': 'identity' } },
    { ...refused('br, where others are', 'br', ['gzip', 'zstd']), headers: { 'Accept-Encoding': 'gzip, zstd' } },
    refused('deflate', 'deflate'),
    refused('two codings', 'gzip, gzip'),
    refused('identity twice', 'identity, identity'),
    refused('two fields', ['gzip', 'gzip']),
    refused('an empty field', ''),
    refused('a name of the prototype', '__proto__'),
  ],
})

describe('content-encoding', () => {
  it('tells what to decode, and how far', () => {
    expect(compile(contentEncoding, { accept: ['gzip'], max: '2MiB' }).limits).toEqual({
      codings: ['gzip'],
      decoded: 2 * 1024 ** 2,
    })
  })

  it('refuses codings that it can not decode', () => {
    expect(contentEncoding.config.safeParse({ accept: ['deflate'] }).success).toBe(false)
  })
})
