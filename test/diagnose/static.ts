import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { check } from '../../src/cli/check.ts'
import type { Problem } from '../../src/config/problem.ts'
import type { Finding } from '../../src/core/finding.ts'
import { runVerb } from '../cli/run-verb.ts'
import { makeCertificates, tempFolder } from '../support/gate.ts'
import type { Entry, Family } from './entry.ts'

const ENV = {
  GITHUB: 'a-secret-of-github-here',
  STRIPE: 'whsec_a-secret-of-stripe',
  KB: 'kb-1f8e3d6c9b2a47508d7e',
  CRM: 'crm-7c41e9a2d05b4f3e8b6a',
  SAME: 'kb-1f8e3d6c9b2a47508d7e',
  LINE_END: 'a-secret-with-a-line-end\n',
  QUOTED: '"a-secret-in-quotation-marks"',
  BLANK: ' a-secret-with-a-blank-before-it',
  EMPTY: '',
}

const LISTENER = 'listeners: [{ name: public, bind: "127.0.0.1:8443" }]'
const route = (
  name: string,
  checks: string,
  { path = `/${name}`, to = 'http://127.0.0.1:3000/in', rest = '' } = {},
): string => `  - { name: ${name}, match: { path: ${path}${rest} }, checks: [${checks}], forward: { to: "${to}" } }`
const bearer = (variable: string, rest = ''): string =>
  `{ bearer: { tokens: [{ name: one, env: ${variable}${rest} }] } }`
const github = (variable = 'GITHUB', rest = ''): string =>
  `{ signature: { provider: github, secrets: [{ env: ${variable} }]${rest} } }`
const config = (...routes: readonly string[]): string => `${LISTENER}\nroutes:\n${routes.join('\n')}\n`

async function problemsOf(yaml: string, folder: string): Promise<readonly Finding[]> {
  writeFileSync(join(folder, 'gate.yaml'), yaml)
  const { stdout } = await runVerb(check, ['gate.yaml', '--json'], { env: ENV, cwd: folder })
  const { problems } = JSON.parse(stdout) as { readonly problems: readonly Problem[] }
  // Each is one of its own, so that a second one counts as false.
  return problems.map(({ severity, message, mend }, index) => ({
    level: severity === 'error' ? 'fail' : 'warn',
    cause: index === 0 ? `check.${severity}` : `check.${severity}: ${message}`,
    certainty: 'proven',
    because: message,
    mend,
  }))
}

/** What `sallyport check` says of a config, without any request. */
export const staticFindings: Family = {
  name: 'static',
  async open() {
    const folder = tempFolder()
    await makeCertificates(join(folder, 'certs'))
    writeFileSync(join(folder, 'line-end.txt'), 'a-secret-of-a-file\n')
    const warned = (what: string, says: RegExp, yaml: string): Entry => ({
      what,
      cause: 'check.warning',
      says,
      tell: () => problemsOf(yaml, folder),
    })
    const refused = (what: string, says: RegExp, yaml: string): Entry => ({
      what,
      cause: 'check.error',
      says,
      tell: () => problemsOf(yaml, folder),
    })
    return {
      entries: [
        warned(
          '0.0.0.0/0 admits all',
          /holds every IPv4 address/,
          config(route('a', `{ source-ip: { allow: [0.0.0.0/0] } }, ${github()}`)),
        ),
        warned(
          '::/0 beside real networks',
          /holds every IPv6 address/,
          config(route('a', `{ source-ip: { allow: [203.0.113.0/28, "::/0"] } }, ${github()}`)),
        ),
        warned(
          'a token that has ended',
          /ended|expired/,
          config(route('a', bearer('KB', ', expires: 2026-01-02T00:00:00Z'))),
        ),
        warned(
          'a secret that has ended',
          /ended|expired/,
          config(
            route(
              'a',
              '{ signature: { provider: github, secrets: [{ env: GITHUB }, { name: previous, env: CRM, expires: 2026-01-02T00:00:00Z }] } }',
            ),
          ),
        ),
        warned(
          'a token on two routes',
          /one secret is used by/,
          config(route('a', bearer('KB')), route('b', bearer('KB'))),
        ),
        warned(
          'one token in two variables',
          /one secret is used by/,
          config(route('a', bearer('KB')), route('b', bearer('SAME'))),
        ),
        warned(
          'a body limit above what GitHub sends',
          /more than GitHub sends/,
          config(route('a', `{ body-limit: { max: 30MiB } }, ${github()}`)),
        ),
        warned(
          'a tolerance of a day',
          /tolerance/,
          config(route('a', '{ signature: { provider: stripe, secrets: [{ env: STRIPE }], tolerance: 1d } }')),
        ),
        warned(
          'a host that no certificate names',
          /no certificate of its listener names/,
          `listeners: [{ name: public, bind: "127.0.0.1:8443", tls: { certificates: [{ cert: certs/server.crt, key: certs/server.key }] } }]\nroutes:\n${route('a', github(), { rest: ', host: hooks.example.com' })}\n`,
        ),
        warned(
          'a route that others hide, host by host',
          /another route takes its path/,
          `listeners: [{ name: public, bind: "127.0.0.1:8443", tls: { certificates: [{ cert: certs/server.crt, key: certs/server.key }] } }]\nroutes:\n${(['localhost', '127.0.0.1', '"[::1]"'] as const).map((host, at) => route(`own-${at}`, [bearer('KB'), bearer('CRM'), github()][at] ?? '', { path: '/in', rest: `, host: ${host}` })).join('\n')}\n${route('hidden', '{ signature: { provider: stripe, secrets: [{ env: STRIPE }] } }', { path: '/in' })}\n`,
        ),
        warned(
          "Telegram's networks copied by hand, and one left out",
          /lacks 91\.108/,
          config(
            route(
              'a',
              '{ source-ip: { allow: [149.154.160.0/20] } }, { signature: { provider: telegram, secrets: [{ env: KB }] } }',
            ),
          ),
        ),
        warned(
          'a route on which the only check reports',
          /report|open/,
          config(
            '  - { name: a, match: { path: /a }, checks: [{ bearer: { tokens: [{ name: one, env: KB }] }, mode: report }], forward: { to: "http://127.0.0.1:3000/in" } }',
          ),
        ),
        refused('a secret with a line end, by echo', /line end|LINE FEED/, config(route('a', github('LINE_END')))),
        refused(
          'a secret file with a line end',
          /printf|line end/,
          config(route('a', '{ signature: { provider: github, secrets: [{ file: line-end.txt }] } }')),
        ),
        warned('a secret with its quotation marks', /quotation mark/, config(route('a', github('QUOTED')))),
        refused('a blank before the secret', /SPACE|blank/, config(route('a', github('BLANK')))),
        warned('an empty secret', /EMPTY is empty/, config(route('a', github('EMPTY')))),
        refused(
          'a misspelled key',
          /did you mean "forward"/,
          `${LISTENER}\nroutes:\n  - { name: a, match: { path: /a }, checks: [${github()}], forwad: { to: "http://127.0.0.1:3000/in" } }\n`,
        ),
        refused('a provider that is misspelled', /github/, config(route('a', github().replace('github', 'gihub')))),
        refused(
          'a secret written into the config',
          /stands in the config itself/,
          config(route('a', github()).replace('[{ env: GITHUB }]', '[kb-1f8e3d6c9b2a]')),
        ),
        refused(
          'two routes of one path',
          /\/a/,
          config(route('a', github(), { path: '/a' }), route('b', bearer('KB'), { path: '/a' })),
        ),
        refused(
          'an address with a leading zero',
          /192\.0\.02\.1/,
          config(route('a', `{ source-ip: { allow: [192.0.02.1] } }, ${github()}`)),
        ),
        warned(
          'a network with host bits',
          /203\.0\.113\.0\/24/,
          config(route('a', `{ source-ip: { allow: [203.0.113.7/24] } }, ${github()}`)),
        ),
        refused(
          'plain HTTP for everybody',
          /plain HTTP/,
          config(route('a', github())).replace('127.0.0.1:8443', '0.0.0.0:8443'),
        ),
        refused(
          'a check of the head behind one of the body',
          /move "bearer" before/,
          config(route('a', `${github()}, ${bearer('KB')}`)),
        ),
      ],
      close: async () => undefined,
    }
  },
}
