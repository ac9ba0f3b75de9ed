import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { CASES } from '../../bench/cases/index.ts'
import { luaString, parseLoad } from '../../bench/load.ts'
import { fault } from '../../bench/measure.ts'
import { readOptions } from '../../bench/options.ts'
import { event, SECRET, sign, WORKS } from '../../bench/work.ts'

describe('the work', () => {
  it('makes JSON of exactly the size that is asked for', () => {
    for (const size of [1024, 1025, 64 * 1024]) {
      expect(event(size).length).toBe(size)
      expect(JSON.parse(event(size).toString()).ref).toBe('refs/heads/main')
    }
    expect(() => event(10)).toThrow(RangeError)
  })

  it('signs as openssl does', () => {
    const body = event(1024)
    const { stdout } = spawnSync('openssl', ['dgst', '-sha256', '-hmac', SECRET, '-r'], { input: body })
    expect(sign(body)).toBe(`sha256=${stdout.toString().split(' ')[0]}`)
  })
})

describe('the load', () => {
  it('writes any byte as a Lua string', () => {
    expect(luaString(Buffer.from('a"b\\\n\u00e9'))).toBe('"a\\034b\\092\\010\\195\\169"')
  })

  it('finds the summary after whatever else is printed', () => {
    const line = '{"requests":10,"duration":1.5,"p50":2.0,"p99":3.0,"refusals":0,"errors":1}'
    expect(parseLoad(`Running 1s test\n${line}\n`)).toMatchObject({ requests: 10, duration: 1.5, errors: 1 })
    expect(() => parseLoad('nothing')).toThrow('no summary')
    expect(() => parseLoad('{"requests":10}')).toThrow('"duration"')
  })

  it('takes no answer for another than the work wants', () => {
    const load = { requests: 10, duration: 1, p50: 1, p99: 1, refusals: 0, errors: 0 }
    expect(fault({ refused: false }, load)).toBeUndefined()
    expect(fault({ refused: false }, { ...load, refusals: 1 })).toContain('refused 1 of 10')
    expect(fault({ refused: true }, { ...load, refusals: 10 })).toBeUndefined()
    expect(fault({ refused: true }, { ...load, refusals: 9 })).toContain('let 1 of 10')
    expect(fault({ refused: 'half' }, { ...load, refusals: 5 })).toBeUndefined()
    expect(fault({ refused: 'half' }, { ...load, refusals: 4 }, 2)).toBeUndefined()
    expect(fault({ refused: 'half' }, { ...load, refusals: 4 })).toContain('refused 4 of 10, not half')
    expect(fault({ refused: 'half' }, { ...load, refusals: 10 }, 2)).toContain('refused 10 of 10')
    expect(fault({ refused: false }, { ...load, requests: 0 })).toBe('answered nothing')
    expect(fault({ refused: false }, { ...load, errors: 2 })).toContain('2 connections')
  })
})

describe('the options', () => {
  it('measures one case for five rounds of three seconds unless told otherwise', () => {
    expect(readOptions([])).toMatchObject({ cases: ['verified'], seconds: 3, rounds: 5, connections: 32, write: false })
    expect(readOptions(['--quick'])).toMatchObject({ seconds: 1, rounds: 1, only: ['nginx-njs', 'sallyport'] })
    expect(readOptions(['--case', 'all']).cases).toEqual([
      ...[...WORKS, ...CASES].map(({ name }) => name),
      'verification',
    ])
  })

  it.each([
    ['--seconds', '0'],
    ['--rounds', '1.5'],
    ['--connections', 'many'],
    ['--case', 'nothing'],
    ['--fast', '1'],
  ])('refuses %s %s', (option, value) => {
    expect(() => readOptions([option, value])).toThrow()
  })
})
