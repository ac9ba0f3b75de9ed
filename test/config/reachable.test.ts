import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'
import { craft, SERVER_AUTH, temporaryFolder } from '../tls/craft.ts'

const folder = temporaryFolder()
afterAll(() => folder[Symbol.dispose]())

beforeAll(async () => {
  for (const [name, dns] of [
    ['one', ['hooks.example.com']],
    ['wild', ['*.example.com']],
  ] as const) {
    const made = await craft({ subject: `CN=${name}`, dns, usage: [SERVER_AUTH] })
    folder.write(`${name}.crt`, made.certificate)
    folder.write(`${name}.key`, made.key)
  }
  writeFileSync(join(folder.path, 'broken.crt'), 'no certificate')
  folder.write('broken.key', 'no key')
})

/** The warnings about routes with these `match`, YAML, of a listener with this certificate. */
function warnings(certificate: string, matches: readonly string[], rest = ''): string[] {
  const routes = matches.map(
    (match, index) =>
      `  - { name: r${index}, match: ${match}, checks: [{ source-ip: { allow: [192.0.2.1] } }], forward: { to: "http://127.0.0.1:3000/in" } }`,
  )
  const tls = `tls: { certificates: [{ cert: ${certificate}.crt, key: ${certificate}.key }] }`
  const text = `listeners: [{ name: public, bind: "127.0.0.1:8443", ${tls}${rest} }]\nroutes:\n${routes.join('\n')}\n`
  const { problems, config } = parseConfig(text, join(folder.path, 'gate.yaml'), {})
  expect(config).toBeDefined()
  return problems.map(({ line, column, message }) => `${line}:${column} ${message}`)
}

describe('a route that no request can reach', () => {
  it('is for a host that no certificate names', () => {
    expect(warnings('one', ['{ path: /a, host: hooks.example.com }', '{ path: /a, host: crm.example.com }'])).toEqual([
      expect.stringMatching(
        /^4:\d+ host: no certificate of its listener names crm\.example\.com, only hooks\.example\.com/,
      ),
    ])
    expect(warnings('wild', ['{ path: /a, host: crm.example.com }'])).toEqual([])
    expect(warnings('wild', ['{ path: /a, host: a.crm.example.com }'])).toHaveLength(1)
  })

  it('is of any host, where a route of the only host takes its path', () => {
    const shadowed = (...matches: string[]): string[] => warnings('one', matches)
    expect(shadowed('{ path: /hooks/a, host: hooks.example.com }', '{ path: /hooks/a }')).toEqual([
      expect.stringContaining('another route takes its path: r0'),
    ])
    expect(shadowed('{ path: /hooks/a, host: hooks.example.com }', '{ path: /hooks/b }')).toEqual([])
  })

  it('is not to be told where the certificate has a wildcard, can not be read, or a proxy is in front', () => {
    const matches = ['{ path: /a, host: hooks.example.com }', '{ path: /a }', '{ path: /a, host: x.example.org }']
    expect(warnings('wild', matches.slice(0, 2))).toEqual([])
    expect(warnings('broken', matches)).toEqual([])
    expect(warnings('one', matches, ', trusted-proxies: [10.0.0.1]')).toEqual([])
  })
})
