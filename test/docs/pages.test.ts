import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { VERBS } from '../../src/cli/main.ts'
import { loadConfig } from '../../src/config/load.ts'
import { formatProblems } from '../../src/config/problem.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { allPages, codeOf, fences, ROOT, readPage } from './markdown.ts'

const NOW = Date.parse('2026-06-01T00:00:00Z')
const folder = mkdtempSync(join(tmpdir(), 'sallyport-pages-'))
afterAll(() => rmSync(folder, { recursive: true }))

const configs = allPages().flatMap(page =>
  fences(readPage(page))
    .filter(({ info }) => /^yaml( \S+\.yaml)?$/.test(info))
    .map(({ text }, index) => ({ name: `${page}, block ${index + 1}`, text })),
)

const LISTENER = {
  name: 'any',
  bind: '127.0.0.1:0',
  tls: { certificates: [{ cert: 's.crt', key: 's.key' }], 'client-ca': 'ca.crt' },
}
const FORWARD = { to: 'http://127.0.0.1:3000/in' }
const ROUTE = {
  name: 'any',
  match: { path: '/any' },
  checks: [{ 'source-ip': { allow: ['192.0.2.1'] } }],
  forward: FORWARD,
}

/** A page shows the part that it is about; the rest of a config stands here. */
function whole(part: Record<string, unknown>): Record<string, unknown> {
  const { checks = ROUTE.checks, forward = ROUTE.forward, ...rest } = part
  const routes = [{ ...ROUTE, checks, forward }]
  return { listeners: [LISTENER], routes, ...rest }
}

/** Every value under one of the keys. */
function valuesOf(value: unknown, keys: readonly string[]): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, child]) =>
    keys.includes(key) && typeof child === 'string' ? [child] : valuesOf(child, keys),
  )
}

describe('the configs on the pages', () => {
  it('are many', () => expect(configs.length).toBeGreaterThan(25))

  it.each(configs)('$name is one that the gate takes', ({ text }) => {
    const config = whole(parse(text))
    for (const path of valuesOf(config, ['cert', 'key', 'client-ca', 'client-crl', 'ca', 'file', 'tokens-file'])) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), 'a-value-of-this-test')
    }
    const file = join(folder, 'gate.yaml')
    writeFileSync(file, stringify(config))
    const env = Object.fromEntries(valuesOf(config, ['env']).map(name => [name, `the-${name}-of-this-test`]))
    const loaded = loadConfig(file, env, { now: NOW })
    const errors = loaded.problems.filter(({ severity }) => severity === 'error')
    expect(formatProblems(errors, loaded.text)).toBe('')
    expect(loaded.config).toBeDefined()
  })

  it('name only metrics that there are', async () => {
    const there = await createMetrics({ version: '' }).render()
    const named = allPages().flatMap(page => readPage(page).match(/\bsallyport_[a-z_]+\b/g) ?? [])
    for (const name of new Set(named)) expect(there, name).toContain(`# TYPE ${name} `)
    for (const { text } of allPages().flatMap(page =>
      fences(readPage(page)).filter(({ info }) => info === 'yaml prometheus'),
    ))
      expect(parse(text).groups[0].rules.length).toBeGreaterThan(3)
  })
})

describe('the command lines on the pages', () => {
  const others = ['config', 'deploy'].flatMap(path => readdirSync(join(ROOT, path)).map(name => `${path}/${name}`))
  const lines = [
    ...allPages().flatMap(page => codeOf(readPage(page))),
    ...others.flatMap(path => readPage(path).match(/sallyport [^"\n]*/g) ?? []),
  ].flatMap(text =>
    [...text.matchAll(/(?:^|[\s'(]|(?<!=)")sallyport ([a-z]+)\b([^"|;&)]*)/g)].map(([, verb = '', rest = '']) => ({
      verb,
      rest,
    })),
  )

  it('are many', () => expect(lines.length).toBeGreaterThan(40))

  it('name verbs and options that there are', async () => {
    for (const { verb, rest } of lines) {
      expect(Object.keys(VERBS), `sallyport ${verb}${rest}`).toContain(verb)
      const known = Object.keys((await VERBS[verb]?.())?.options ?? {})
      for (const [, option = ''] of rest.matchAll(/(?:^|[\s[])--([a-z0-9-]+)/g))
        expect([...known, 'help'], `sallyport ${verb}${rest}`).toContain(option)
    }
  })
})
