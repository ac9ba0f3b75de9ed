import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig, parseConfig } from '../../src/config/load.ts'
import { formatProblem, formatProblems } from '../../src/config/problem.ts'
import { kinds } from './kinds.ts'

const ENV = { HOOK_SECRET: 'a-secret' }
const GOOD = `listeners:
  - { name: public, bind: 127.0.0.1:8080 }
routes:
  - name: github
    match: { path: /hooks/github }
    checks:
      - signature: { provider: github, secrets: [{ env: HOOK_SECRET }] }
    forward: { to: http://127.0.0.1:3000/in }
`

const parse = (text: string) => parseConfig(text, '/etc/sallyport/gate.yaml', ENV, { kinds })
const said = (text: string) => {
  const { problems, text: masked } = parse(text)
  return formatProblems(problems, masked)
}

describe('parseConfig', () => {
  it('makes the model, every default filled in', () => {
    const { config, problems } = parse(GOOD)
    expect(problems).toEqual([])
    expect(config).toMatchObject({
      file: '/etc/sallyport/gate.yaml',
      workers: 1,
      listeners: [{ name: 'public', bind: { host: '127.0.0.1', port: 8080 }, trustedProxies: [] }],
      routes: [
        { name: 'github', match: { path: '/hooks/github', methods: ['POST'] }, forward: { 'pass-query': true } },
      ],
    })
    expect(config?.listeners[0]?.limits).toEqual({
      connections: 10_000,
      requests: 2_000,
      head: 10_000,
      request: 30_000,
      idle: 60_000,
      headBytes: 16_384,
      headers: 100,
    })
    expect(config?.routes[0]?.checks[0]?.kind.name).toBe('signature')
  })

  it('takes socket paths relative to the file, and public URLs without their trailing slash', () => {
    const { config } = parse(
      GOOD.replace('127.0.0.1:8080 }', '"unix:run/gate.sock", public-url: "https://hooks.example.com/" }'),
    )
    expect(config?.listeners[0]).toMatchObject({
      bind: { unix: '/etc/sallyport/run/gate.sock' },
      publicUrl: 'https://hooks.example.com',
    })
  })

  it.each([
    ['https://hooks.example.com:443', 'https://hooks.example.com:443'],
    ['https://HOOKS.example.com:443/', 'https://hooks.example.com:443'],
    ['http://hooks.example.com:80', 'http://hooks.example.com:80'],
    ['https://hooks.example.com:8443/', 'https://hooks.example.com:8443'],
    ['https://hooks.example.com:/', 'https://hooks.example.com'],
    ['https://[2001:db8::443]', 'https://[2001:db8::443]'],
    ['https://[2001:db8::1]:443/', 'https://[2001:db8::1]:443'],
  ])('takes the port of the public URL %s as it is written', (written, taken) => {
    const { config } = parse(GOOD.replace('127.0.0.1:8080 }', `"127.0.0.1:8080", public-url: "${written}" }`))
    expect(config?.listeners[0]?.publicUrl).toBe(taken)
  })

  it('says all problems at once, in file order', () => {
    const { config, problems } = parse(
      GOOD.replace('127.0.0.1:8080', '0.0.0.0:8080')
        .replace('/hooks/github', 'hooks/github')
        .replace('provider: github', 'provider: githb')
        .replace('HOOK_SECRET', 'ABSENT')
        .replace('forward: { to:', 'forward: { recieve: 3, to:'),
    )
    expect(config).toBeUndefined()
    expect(problems.map(({ line, severity }) => `${line} ${severity}`)).toEqual([
      '2 error',
      '5 error',
      '7 error',
      '7 warning',
      '8 error',
    ])
  })

  it('prints a problem with its source line, its carets and its mend', () => {
    const { problems, text } = parse(GOOD.replace('{ to:', '{ pass-heders: [], to:'))
    expect(problems.map(problem => formatProblem({ ...problem, file: 'gate.yaml' }, text))).toEqual([
      `gate.yaml:8:16  forward: unknown key "pass-heders"
  8 |     forward: { pass-heders: [], to: http://127.0.0.1:3000/in }
    |                ^^^^^^^^^^^
  mend: did you mean "pass-headers"? forward takes: allow-private, authenticate, body, breaker, client-cert-header, concurrency, context-headers, digest, local-address, pace, pass-headers, pass-query, proxy, retry, sign, stream, timeout, tls, to, websocket`,
    ])
  })

  it('reads files with Windows line ends and a byte order mark', () => {
    expect(parse(`\ufeff${GOOD.replaceAll('\n', '\r\n')}`).problems).toEqual([])
    expect(said(GOOD.replace('github }', 'github, hst: x }').replaceAll('\n', '\r\n'))).toMatch(
      /:5:35 {2}match: unknown key "hst"\n {2}5 \| {5}match.*\n {4}\| {35}\^{3}\n/,
    )
  })

  it('hides a literal secret in every line and sentence, YAML broken or not', () => {
    for (const text of [
      `${GOOD}admin: { bind: 127.0.0.1:9901, token: hunter22 }\n`,
      `${GOOD}admin: { bind: 127.0.0.1:9901, token: hunter22\n`,
      `${GOOD}admin: { bind: 127.0.0.1:9901, token: hunter22, token: hunter22 }\n`,
      `${GOOD}admin: { bind: 127.0.0.1:9901, passwort: x, password: "hunter22" }\n`,
      GOOD.replace('[{ env: HOOK_SECRET }]', '[hunter22, { literal: hunter22 }]'),
      GOOD.replace('HOOK_SECRET', 'hunter22-5'),
      GOOD.replace('http://', ' http://hunter22:hunter22@'),
      GOOD.replace('http://', '"http://hunter22:hunter22@'),
    ]) {
      const out = said(text)
      expect(out).toMatch(/mend: /)
      expect(out, text).not.toMatch(/hunter22/)
    }
  })

  it('shows what a terminal would obey or hide', () => {
    expect(said(GOOD.replace('name: github', 'name: github\u0085'))).toContain('<U+0085>')
    expect(said(GOOD.replace('name: github', 'name: git\u202ehub'))).not.toContain('\u202e')
  })
})

describe('what other programs write', () => {
  const problemsOf = (from: string, to: string) => {
    const { problems, text } = parseConfig(GOOD.replace(from, to), 'gate.yaml', ENV)
    return formatProblems(problems, text)
  }
  const path = (text: string) => problemsOf('path: /hooks/github', `path: "${text}"`)

  it('is no pattern of a path', () => {
    expect(path('/hooks/*')).toMatch(
      /warning: path: "\*" is no pattern here[\s\S]*\^{1}\n {2}mend: .*path-prefix: \/hooks\/\n/,
    )
    expect(path('/hooks/:service/in')).toMatch(/warning: path: ":service" is no pattern here/)
    expect(path('/topics/t:publish')).toBe('')
  })

  it('is no path that every request is refused for, whatever the mend says', () => {
    for (const text of ['/a;b', '/a%25', '/a%3Fb', '/a%FF', '/a%20/b', '/a\\\\b'])
      expect(path(text), text).toMatch(/for which every request is refused[\s\S]*mend: choose a path without it/)
    expect(path('/100%')).toMatch(/mend: choose a path without "%"/)
  })

  it('is no variable that somebody replaces', () => {
    for (const [from, to] of [
      ['http://127.0.0.1:3000/in', '"http://$' + '{CRM_HOST}/in"'],
      ['name: github', 'name: "{{ .Values.name }}"'],
      ['path: /hooks/github', 'path: "/$' + '{HOOK}"'],
    ] as const) {
      const out = problemsOf(from, to)
      expect(out, to).toMatch(/, and nothing puts a value in its place\n/)
      expect(out, to).not.toMatch(/percent-encoded|%7B/)
    }
  })

  it('has the mend that can be applied as it stands', () => {
    const check = (text: string) => problemsOf('checks:', `checks:\n      - ${text}`)
    expect(check('replay')).toMatch(/mend: write "replay: \{\}"\n/)
    expect(check('rate-limit: { rate: 9/s, by: $binary_remote_addr }')).toMatch(
      /by: "\$binary_remote_addr" is not known here[\s\S]*mend: by takes: principal, route, source-ip, or \{ header: \.\.\. \}\n/,
    )
    expect(problemsOf('match: { path: /hooks/github }', 'match: {path:/hooks/github}')).toMatch(
      /mend: write a blank behind the colon: "path: \.\.\."\n/,
    )
    expect(problemsOf('bind: 127.0.0.1:8080', 'bind: *:8080')).toMatch(
      /mend: .*where the "\*" is a part of it, put it in quotes/,
    )
    expect(problemsOf('name: github', 'name: %h')).toMatch(
      /a value can not begin with "%"[\s\S]*mend: write the value in quotes/,
    )
  })

  it('is shown, where it is a name or a port', () => {
    const out = problemsOf('bind: 127.0.0.1:8080', 'bind: "localhost:8080", port: 8080, http2: true')
    expect(out).toContain('mend: write 127.0.0.1:8080 or [::1]:8080\n')
    expect(out).toContain('unknown key "http2"')
    const number = said(`${GOOD}admin: { bind: 127.0.0.1:9901, token: 48151 }\n`)
    expect(number).toMatch(/token: /)
    expect(number).not.toContain('48151')
  })
})

describe('loadConfig', () => {
  const inFolder = (run: (folder: string) => void) => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-config-'))
    try {
      run(folder)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
  const only = (file: string) => loadConfig(file, ENV, { kinds }).problems.map(({ message }) => message)

  it('says why a file can not be read', () =>
    inFolder(folder => {
      const file = join(folder, 'gate.yaml')
      expect(only(file)).toEqual(['there is no such file'])
      expect(only(folder)).toEqual(['the config is a folder'])
      writeFileSync(file, Buffer.from([0x6c, 0xff]))
      expect(only(file)).toEqual(['the config is no UTF-8 text'])
      writeFileSync(file, `#${' '.repeat(8 * 1024 * 1024)}`)
      expect(only(file)).toEqual(['the config is larger than 8 MiB'])
      writeFileSync(file, GOOD)
      expect(only(file)).toEqual([])
    }))
})
