import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

// From the top down: a room may import from rooms after it, never from one before it.
const ROOMS = [
  'cli',
  'console',
  'gateway',
  'config',
  'pipeline',
  'checks',
  'forward',
  'signing',
  'tls',
  'store',
  'observe',
  'core',
]
const SRC = join(import.meta.dirname, '../src')
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))

function importsOf(file: string, which: 'all' | 'static' = 'all'): string[] {
  const text = readFileSync(join(SRC, file), 'utf8')
  const form =
    which === 'all'
      ? /(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)'/g
      : /^(?:import|export|\}) (?!type )(?:[^'\n]*from )?'(\.{1,2}\/[^']+)'/gm
  return [...text.matchAll(form)].map(match => relative(SRC, join(SRC, file, '..', match[1] ?? '')))
}

describe('the house', () => {
  it.each(files)('%s lives in a room and imports only from rooms below', file => {
    const room = file.split('/')[0] ?? ''
    expect(ROOMS, `src/${file}: there is no room "${room}"; see docs/architecture.md`).toContain(room)
    for (const target of importsOf(file)) {
      const other = target.split('/')[0] ?? ''
      expect(
        ROOMS.indexOf(other) >= ROOMS.indexOf(room),
        `src/${file} imports ${target}: data flows down, so ${room}/ can not know ${other}/. Move what both need further down.`,
      ).toBe(true)
    }
  })

  it.each(files)('%s stays under 400 lines', file => {
    const lines = readFileSync(join(SRC, file), 'utf8').split('\n').length
    expect(lines, `src/${file} has more than one subject by now: split it`).toBeLessThanOrEqual(400)
  })

  it('starts without what only some gates need', () => {
    const loaded = new Set(['cli/main.ts', 'cli/run.ts'])
    for (const file of loaded) for (const target of importsOf(file, 'static')) loaded.add(target)
    expect(loaded.size).toBeGreaterThan(100)
    const late =
      /^import (?!type )[^']*'(prom-client|yaml|undici|jose|ajv|ajv-formats|@peculiar\/x509|node-forge|node:http)['/]/gm
    for (const file of loaded) {
      const found = [...readFileSync(join(SRC, file), 'utf8').matchAll(late)].map(match => match[1])
      expect(
        found,
        `src/${file} is loaded at each start: import what takes long where it is first used (node:http: src/core/http.ts)`,
      ).toEqual([])
    }
  })

  it('lets only the walk say that a request is verified', () => {
    const makers = files
      .filter(file => file !== 'forward/verified.ts' && file !== 'pipeline/walk.ts')
      .filter(file => /\bmarkVerified\b/.test(readFileSync(join(SRC, file), 'utf8')))
    expect(makers, 'promise 2: not one byte goes upstream before every check has passed').toEqual([])
  })
})
