import { randomBytes } from 'node:crypto'
import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { decode } from '../../src/forward/decode.ts'

const MAX = 1024 ** 2
const text = Buffer.from(JSON.stringify({ event: 'x'.repeat(5000), noise: randomBytes(20_000).toString('base64') }))
const ENCODERS = [
  ['gzip', gzipSync],
  ['br', brotliCompressSync],
  ['zstd', zstdCompressSync],
] as const

describe.each(ENCODERS)('decode %s', (coding, encode) => {
  const encoded = encode(text)

  it('gives what was encoded', async () => {
    expect(await decode(encoded, coding, MAX)).toEqual(text)
    expect(await decode(encode(Buffer.alloc(0)), coding, MAX)).toEqual(Buffer.alloc(0))
  })

  it('counts to the byte', async () => {
    expect(await decode(encoded, coding, text.length)).toEqual(text)
    expect(await decode(encoded, coding, text.length - 1)).toMatchObject({ fault: 'too-large' })
  })

  it('refuses a body that ends early, wherever', async () => {
    for (const length of [0, 1, 3, encoded.length >> 1, encoded.length - 1])
      expect(await decode(encoded.subarray(0, length), coding, MAX), `${length} bytes`).toMatchObject({
        fault: 'truncated',
      })
  })

  it('refuses what follows the end', async () => {
    expect(await decode(Buffer.concat([encoded, Buffer.alloc(1)]), coding, MAX)).toMatchObject({ fault: 'trailing' })
    const garbage = await decode(Buffer.concat([encoded, Buffer.from('garbage')]), coding, MAX)
    expect(garbage).toHaveProperty('fault', expect.stringMatching(/^(trailing|malformed)$/))
  })

  it('refuses what is not so encoded', async () => {
    expect(await decode(text, coding, MAX)).toMatchObject({ fault: 'malformed' })
  })

  it('refuses a changed byte, or shows it', async () => {
    for (let i = 0; i < 50; i++) {
      const changed = Buffer.from(encoded)
      const at = Math.floor((i / 50) * encoded.length)
      changed[at] = (changed[at] ?? 0) ^ 0x10
      const result = await decode(changed, coding, MAX)
      // Only gzip carries a checksum in every case, so the others may decode to something else.
      if (coding === 'gzip' && at > 10) expect(result).toHaveProperty('fault')
      if (Buffer.isBuffer(result)) expect(result.length).toBeLessThanOrEqual(MAX)
    }
  })

  it('stops a bomb of 256 MiB early, in flat memory', async () => {
    const bomb = encode(Buffer.alloc(256 * 1024 ** 2))
    const memory = process.memoryUsage().rss
    const cpu = process.cpuUsage()
    expect(await decode(bomb, coding, MAX)).toMatchObject({ fault: 'too-large' })
    const { user, system } = process.cpuUsage(cpu)
    expect((user + system) / 1000).toBeLessThan(250)
    expect(process.memoryUsage().rss - memory).toBeLessThan(32 * 1024 ** 2)
  })
})

describe('decode', () => {
  it('takes several gzip members and zstd frames as one body, and counts them', async () => {
    for (const [coding, encode] of [ENCODERS[0], ENCODERS[2]]) {
      const twice = Buffer.concat([encode(text), encode(text)])
      expect(await decode(twice, coding, MAX)).toEqual(Buffer.concat([text, text]))
      expect(await decode(twice, coding, text.length * 2 - 1)).toMatchObject({ fault: 'too-large' })
      expect(await decode(twice.subarray(0, -2), coding, MAX)).toMatchObject({ fault: 'truncated' })
    }
  })

  it('takes a body of 50,000 empty gzip members in its stride', async () => {
    const started = performance.now()
    expect(await decode(Buffer.concat(Array(50_000).fill(gzipSync(''))), 'gzip', MAX)).toEqual(Buffer.alloc(0))
    expect(performance.now() - started).toBeLessThan(1000)
  })

  it('refuses a zstd window over 8 MiB (RFC 9659) and a large brotli window', async () => {
    const zstd = zstdCompressSync(Buffer.alloc(20 * MAX), {
      params: { [constants.ZSTD_c_windowLog]: 25, [constants.ZSTD_c_contentSizeFlag]: 0 },
    })
    expect(await decode(zstd, 'zstd', 32 * MAX)).toMatchObject({ fault: 'window' })
    const br = brotliCompressSync(Buffer.alloc(MAX), {
      params: { [constants.BROTLI_PARAM_LGWIN]: 28, [constants.BROTLI_PARAM_LARGE_WINDOW]: 1 },
    })
    expect(await decode(br, 'br', 32 * MAX)).toMatchObject({ fault: 'malformed' })
  })

  it('passes identity on, and knows no other coding', async () => {
    expect(await decode(text, 'identity', MAX)).toBe(text)
    expect(await decode(text, 'identity', 10)).toMatchObject({ fault: 'too-large' })
    for (const coding of ['deflate', 'gzip, gzip', '', '__proto__'])
      expect(await decode(text, coding, MAX)).toMatchObject({ fault: 'unsupported' })
  })
})
