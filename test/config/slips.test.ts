import { describe, expect, it } from 'vitest'
import { checkKinds } from '../../src/checks/index.ts'
import { parseConfig } from '../../src/config/load.ts'
import { formatProblems } from '../../src/config/problem.ts'

const SECRET = 'hunter2hunter'
const LONG = `${SECRET}/${'aB3+'.repeat(30)}${SECRET}`

/** A config with one check, one way out and more at its end. */
const config = ({ check = 'time-limit: 1s', forward = '', end = '' }) => `listeners:
  - { name: public, bind: "127.0.0.1:8080" }
routes:
  - name: github
    match: { path: /hooks/github }
    checks:
      - ${check}
    forward:
      to: https://127.0.0.1:3000/in
      ${forward}
${end}
`

/** Where credentials belong: themselves, their lists, and the blocks that hold them; the slip takes the place of `HERE`. */
const PLACES: Readonly<Record<string, string>> = {
  'a check': config({ check: 'HERE' }),
  'api-key': config({ check: 'api-key: HERE' }),
  'api-key keys': config({ check: 'api-key:\n          keys: HERE' }),
  basic: config({ check: 'basic: HERE' }),
  'basic users': config({ check: 'basic:\n          users: HERE' }),
  'basic user': config({ check: 'basic:\n          users:\n            - HERE' }),
  'basic password': config({ check: 'basic:\n          users:\n            - name: kb\n              password: HERE' }),
  bearer: config({ check: 'bearer: HERE' }),
  'bearer tokens': config({ check: 'bearer:\n          tokens: HERE' }),
  signature: config({ check: 'signature: HERE' }),
  'signature secrets': config({ check: 'signature:\n          provider: github\n          secrets: HERE' }),
  'signature secert': config({ check: 'signature:\n          provider: github\n          secert: HERE' }),
  'signature key': config({ check: 'signature:\n          provider: github\n          password: HERE' }),
  'a secret': config({ check: 'signature:\n          provider: github\n          secrets:\n            - HERE' }),
  'a secret after another': config({
    check:
      'signature:\n          provider: github\n          secrets:\n            - env: HOOK_SECRET\n            - HERE',
  }),
  'beside a reference': config({
    check:
      'signature:\n          provider: github\n          secrets:\n            - env: HOOK_SECRET\n              value: HERE',
  }),
  jwt: config({ check: 'jwt: HERE' }),
  'jwt secrets': config({ check: 'jwt:\n          issuer: https://x.example\n          secrets: HERE' }),
  introspection: config({ check: 'introspection: HERE' }),
  'introspection client': config({ check: 'introspection:\n          client: HERE' }),
  'any-of': config({ check: 'any-of: HERE' }),
  'any-of basic': config({ check: 'any-of:\n          - basic: HERE' }),
  challenge: config({ check: 'challenge: HERE' }),
  sign: config({ forward: 'sign: HERE' }),
  authenticate: config({ forward: 'authenticate: HERE' }),
  'authenticate bearer': config({ forward: 'authenticate:\n        bearer: HERE' }),
  'authenticate basic': config({ forward: 'authenticate:\n        basic: HERE' }),
  'authenticate api-key': config({ forward: 'authenticate:\n        api-key: HERE' }),
  oauth2: config({ forward: 'authenticate:\n        oauth2: HERE' }),
  'client-secret': config({ forward: 'authenticate:\n        oauth2:\n          client-secret: HERE' }),
  'private-key-jwt': config({ forward: 'authenticate:\n        oauth2:\n          private-key-jwt: HERE' }),
  'signature key going out': config({ forward: 'authenticate:\n        signature:\n          key: HERE' }),
  proxy: config({ forward: 'proxy: HERE' }),
  passphrase: config({ forward: 'tls:\n        passphrase: HERE' }),
  'an unknown key of forward': config({ forward: 'bearer: HERE' }),
  'a check outside of checks': config({ forward: 'basic: HERE' }),
  admin: config({ end: 'admin: HERE' }),
  'admin token': config({ end: 'admin:\n  bind: 127.0.0.1:9901\n  token: HERE' }),
  'bot-token': config({ end: 'alerts:\n  to:\n    - telegram:\n        bot-token: HERE' }),
  'alert receivers': config({ end: 'alerts:\n  to: HERE' }),
  slack: config({ end: 'alerts:\n  to:\n    - slack: HERE' }),
  'slack url': config({ end: 'alerts:\n  to:\n    - slack:\n        url: HERE' }),
  webhook: config({ end: 'alerts:\n  to:\n    - webhook: HERE' }),
  'webhook secret': config({ end: 'alerts:\n  to:\n    - webhook:\n        secret: HERE' }),
  'telemetry headers': config({ end: 'telemetry:\n  otlp:\n    endpoint: http://127.0.0.1:4318\n    headers: HERE' }),
  'telemetry header': config({ end: 'telemetry:\n  otlp:\n    headers:\n      x-team: HERE' }),
  'telemetry bearer': config({ end: 'telemetry:\n  otlp:\n    bearer: HERE' }),
  'telemetry basic': config({ end: 'telemetry:\n  otlp:\n    basic: HERE' }),
  otlp: config({ end: 'telemetry:\n  otlp: HERE' }),
}

/** What may be written there by mistake. */
const SLIPS: Readonly<Record<string, string>> = {
  'a text': SECRET,
  'a text in quotes': `"${SECRET}"`,
  'a text with a colon': `"kb:${SECRET}"`,
  'a text of two words': `github ${SECRET}`,
  'a long text': `"${LONG}"`,
  'a number': '12345678901234567890',
  'a list': `[${SECRET}]`,
  'a list in a list': `[[${SECRET}]]`,
  'a map': `{ partner: ${SECRET} }`,
  'a map of maps': `{ partner: { value: ${SECRET} } }`,
  'a key without a value': `{ ${SECRET} }`,
  'a key that is a number': '{ 12345678901234567890 }',
  'a key in braces': `{ { ${SECRET} } }`,
  'a key with a value': `{ ${SECRET}: partner }`,
  'a list of maps': `[{ partner: ${SECRET} }]`,
  'an unknown key beside a reference': `[{ file: gh.secret, ${SECRET} }]`,
  'an unknown key beside the file': `{ file: gh.secret, ${SECRET} }`,
  'a list under env': `{ env: [${SECRET}] }`,
  'a map under file': `{ file: { ${SECRET} } }`,
  'an alias': `*${SECRET}`,
  'an alias in a list': `[*${SECRET}]`,
  'an alias as a key': `{ *${SECRET} }`,
  'a tag': `!${SECRET}`,
  'a tag of YAML': `!!${SECRET}`,
  'a tag in a list': `[!${SECRET}]`,
  'a tag as a key': `{ !${SECRET} }`,
  'an anchor': `&${SECRET}`,
  'an anchor in a list': `[&${SECRET}]`,
  'a comment': `#${SECRET}`,
  'a comment in a list': `[#${SECRET}]`,
  'a block that is none': `|${SECRET}`,
  'a folded block that is none': `>${SECRET}`,
  'a directive': `%${SECRET}`,
  'a reserved mark': `@${SECRET}`,
  'an open quote': `"${SECRET}`,
  'an open bracket': `[${SECRET}`,
  'an open brace': `{ partner: ${SECRET}`,
  'a second colon': `partner: ${SECRET}`,
}

const kinds = checkKinds
/** Everything of a config's problems that is printed, as text or as JSON. */
function printed(text: string): string {
  const { problems, text: masked } = parseConfig(text, '/nowhere/gate.yaml', {}, { kinds })
  return `${formatProblems(problems, masked)}${JSON.stringify(problems)}`
}

/** Whether every place is tried with every slip, and not one in some. */
const EVERY = process.env.SALLYPORT_SLIPS === 'every'

/** The slip on the line of its key, and on a line of its own, as it is, as an entry of a list and under a key. */
function written(template: string, slip: string): readonly string[] {
  const line = template.split('\n').find(each => each.includes('HERE')) ?? ''
  const deeper = ' '.repeat(line.search(/[^ -]/) + 2)
  const below = ['', '- ', 'partner: '].map(lead => `\n${deeper}${lead}${slip}\n`)
  return [slip, ...below].map(value => template.replace('HERE', () => value))
}

describe('a secret that was written where a reference, a list or a block of them belongs', () => {
  it.each(Object.entries(PLACES))('is printed nowhere: %s', (place, template) => {
    const first = Object.keys(PLACES).indexOf(place)
    for (const [index, [name, slip]] of Object.entries(SLIPS).entries())
      for (const [form, text] of written(template, slip).entries()) {
        if (!EVERY && (first + index + form) % 9 > 0) continue
        // The keys of this block are names that the operator chooses.
        if (place === 'telemetry headers' && name === 'a key with a value') continue
        const out = printed(text)
        expect(out, `${name}:\n${text}`).toMatch(/mend/)
        expect(out, `${name}:\n${text}`).not.toMatch(/hunter2|123456789/)
      }
  })

  it.each([
    'api-key: { keys: { a: Tok3nSecretValue99 } }',
    'basic: { users: [ "kb:hunter2hunter" ] }',
    'signature: github whsec_hunter2hunter',
    'signature: { provider: github, secrets: [*hunter2hunter] }',
    'signature: { provider: github, secrets: [!hunter2hunter] }',
    'signature: { provider: github, secrets: [&hunter2hunter] }',
    'signature: { provider: github, secrets: [{ file: gh.secret, hunter2hunter }] }',
    'signature: { provider: github, secert: hunter2hunter }',
    'signature:\n          provider: github\n          secrets:\n            - |hunter2hunter',
    'basic: { users: { !hunter2hunter } }',
  ])('is masked in excerpt, message and JSON: %s', check => {
    const out = printed(config({ check }))
    expect(out).toMatch(/mend/)
    expect(out).not.toMatch(/hunter2|Tok3n/)
  })

  it.each([
    'https://x.example/in?a=b&api_key=hunter2',
    'https://kb:hunter2/2@x.example/in',
    'https://kb:hunter2@x.example',
  ])('is masked in a URL: %s', url => {
    const out = printed(config({}).replace('https://127.0.0.1:3000/in', url))
    expect(out).toMatch(/to: "https:/)
    expect(out).not.toMatch(/hunter2/)
  })

  it('leaves what is no secret to be read', () => {
    const out = printed(
      config({
        check: 'signature: github',
        forward: 'recieve: 3\n      passheaders: [X-A]',
        end: 'listners: []\ncaptures: on',
      }),
    )
    for (const shown of ['signature: github', 'recieve: 3', 'passheaders: [X-A]', 'captures: on'])
      expect(out).toContain(shown)
    expect(printed(config({}).replace(/forward:\n.*\n/, 'forward: http://127.0.0.1:3000/in\n'))).toContain(
      '"http://127.0.0.1:3000/in" stands here',
    )
    expect(printed(config({ check: 'basic: { users: [{ nam: kb, password: { env: KB_PASSWORD } }] }' }))).toContain(
      '{ nam: kb, password: { env: KB_PASSWORD } }',
    )
  })
})
