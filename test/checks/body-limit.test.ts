import { expect, it } from 'vitest'
import { bodyLimit } from '../../src/checks/body-limit.ts'
import { compile, testCheck } from './testCheck.ts'

testCheck(bodyLimit, {
  allows: [
    { name: 'a body of exactly the limit', config: { max: '10B' }, request: { body: '0123456789' } },
    { name: '1 MiB by default', request: { body: Buffer.alloc(1024 ** 2) } },
    { name: 'a body of unknown length, which the reading caps', config: { max: '1B' }, request: { chunked: true } },
  ],
  denies: [
    {
      name: 'one byte more',
      config: { max: '10B' },
      request: { body: '0123456789a' },
      code: 'body-limit.exceeded',
      evidence: { 'content-length': 11, max: 10 },
    },
    { name: 'over 1 MiB by default', request: { body: Buffer.alloc(1024 ** 2 + 1) }, code: 'body-limit.exceeded' },
  ],
})

it('caps the reading', () => {
  expect(compile(bodyLimit, { max: '512KiB' }).limits).toEqual({ body: 524_288 })
})
