import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { formatPlan } from '../../src/config/plan.ts'
import { formatProblems } from '../../src/config/problem.ts'

const EXAMPLES = join(import.meta.dirname, '../../config')
const NOW = Date.parse('2026-06-01T00:00:00Z')
const names = readdirSync(EXAMPLES).filter(name => name.endsWith('.yaml'))
const text = (name: string) => readFileSync(join(EXAMPLES, name), 'utf8')
/** The variables that an example's first comment names are the ones that its reader sets. */
const announced = (name: string) =>
  text(name)
    .split('\n\n', 3)
    .join('\n')
    .match(/\b[A-Z]{2,}(_[A-Z]+)+\b/g) ?? []

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-examples-'))
  cpSync(EXAMPLES, folder, { recursive: true })
  mkdirSync(join(folder, 'certs'), { recursive: true })
  // The loader looks only whether they are there; the TLS room's tests read real ones.
  for (const file of ['server.crt', 'server.key', 'clients-ca.crt', 'clients.crl'])
    writeFileSync(join(folder, 'certs', file), '')
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('the examples in config/', () => {
  it.each(names)('%s begins with what it is for and names every variable that it needs', name => {
    expect(text(name)).toMatch(/^# [A-Z]/)
    const used = [...text(name).matchAll(/\benv: ([A-Z_]+)/g)].map(match => match[1])
    expect(new Set(announced(name))).toEqual(new Set(used))
  })

  it.each(names)('%s has no problem, and a plan', name => {
    const env = Object.fromEntries(announced(name).map(variable => [variable, `value-of-${variable}`]))
    const { config, problems, text } = loadConfig(join(folder, name), env, { now: NOW })
    expect(formatProblems(problems, text)).toBe('')
    if (!config) throw new Error('no config and no problem')
    const plan = formatPlan(config, env)
    for (const value of Object.values(env)) expect(plan).not.toContain(value)
  })
})
