import { createHmac } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sign as signForGitHub } from '@octokit/webhooks-methods'
import Stripe from 'stripe'
import { explain } from '../../src/cli/explain.ts'
import type { Explanation } from '../../src/pipeline/explanation.ts'
import { runVerb } from '../cli/run-verb.ts'
import { tempFolder } from '../support/gate.ts'
import type { Entry, Family } from './entry.ts'
import { findingsOf } from './gate-family.ts'

const ENV = { GITHUB: 'gh-6b1d0f9e4c3a8275', STRIPE: 'whsec_a-secret-of-stripe', KB: 'kb-1f8e3d6c9b2a47508d7e' }
const BODY = '{"action":"opened","number":7}'
const CONFIG = `
listeners: [{ name: public, bind: "127.0.0.1:0", public-url: "https://hooks.example.com" }]
routes:
  - { name: github, match: { path: /hooks/github }, checks: [{ signature: { provider: github, secrets: [{ env: GITHUB }] } }], forward: { to: "http://127.0.0.1:9/in" } }
  - { name: stripe, match: { path: /hooks/stripe }, checks: [{ signature: { provider: stripe, secrets: [{ env: STRIPE }] } }], forward: { to: "http://127.0.0.1:9/in" } }
  - { name: kb, match: { path: /hooks/kb }, checks: [{ source-ip: { allow: [203.0.113.0/28] } }, { bearer: { tokens: [{ name: kb, env: KB }] } }], forward: { to: "http://127.0.0.1:9/in" } }
`
const AT = Date.UTC(2026, 5, 1, 12)

const http = (path: string, headers: Readonly<Record<string, string>>, body: string): string =>
  [
    `POST ${path} HTTP/1.1`,
    'Host: hooks.example.com',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '',
    body,
  ].join('\r\n')

const har = (path: string, headers: Readonly<Record<string, string>>, body: string): string =>
  JSON.stringify({
    log: {
      entries: [
        {
          startedDateTime: new Date(AT).toISOString(),
          request: {
            method: 'POST',
            url: `https://hooks.example.com${path}`,
            headers: Object.entries({ 'Content-Type': 'application/json', ...headers }).map(([name, value]) => ({
              name,
              value,
            })),
            postData: { mimeType: 'application/json', text: body },
          },
          response: { status: 401 },
        },
      ],
    },
  })

/** `sallyport explain FILE`: requests that no gate has seen. */
export const files: Family = {
  name: 'files',
  async open() {
    const folder = tempFolder()
    writeFileSync(join(folder, 'gate.yaml'), CONFIG)
    const asked = (
      what: string,
      cause: string,
      name: string,
      text: () => string | Promise<string>,
      more: Partial<Entry> & { args?: readonly string[] } = {},
    ): Entry => {
      const { args = [], ...entry } = more
      return {
        what,
        cause,
        ...entry,
        tell: async () => {
          writeFileSync(join(folder, name), await text())
          const { stdout, stderr } = await runVerb(explain, [name, '--config', 'gate.yaml', '--json', ...args], {
            env: ENV,
            cwd: folder,
          })
          if (stdout === '') throw new Error(stderr)
          return findingsOf(JSON.parse(stdout) as Explanation)
        },
      }
    }
    const signed = async (secret: string, body = BODY) => ({ 'X-Hub-Signature-256': await signForGitHub(secret, body) })
    const stripe = (timestamp: number) => ({
      'Stripe-Signature': new Stripe('sk_test_unused').webhooks.generateTestHeaderString({
        payload: BODY,
        secret: ENV.STRIPE,
        timestamp,
      }),
    })
    const seen = ['--source', '203.0.113.9'] as const
    const entries: readonly Entry[] = [
      asked(
        'a request as text, with a line feed in the secret',
        'signature.secret-line-end',
        'line-end.http',
        async () => http('/hooks/github', await signed(`${ENV.GITHUB}\n`), BODY),
      ),
      asked('a request as text, its JSON written anew', 'signature.body-reserialised', 'pretty.http', async () =>
        http('/hooks/github', await signed(ENV.GITHUB), JSON.stringify(JSON.parse(BODY), null, 2)),
      ),
      asked(
        'a HAR with another service at the URL',
        'signature.other-route',
        'other.har',
        () => har('/hooks/github', stripe(AT / 1000), BODY),
        { says: /stripe/ },
      ),
      asked(
        'a HAR of a sender whose clock is 15 minutes ahead',
        'signature.clock-ahead',
        'ahead.har',
        () => har('/hooks/stripe', stripe(AT / 1000 + 900), BODY),
        { says: /15 min|900 s/ },
      ),
      asked('a HAR to a path without its suffix', 'route.nearest', 'path.har', () => har('/hooks/githu', {}, BODY), {
        says: /github/,
      }),
      asked(
        'a curl command with SHA-1',
        'signature.digest',
        'sha1.sh',
        () =>
          `curl -X POST https://hooks.example.com/hooks/github -H 'Content-Type: application/json' -H 'X-Hub-Signature: sha1=${createHmac('sha1', ENV.GITHUB).update(BODY).digest('hex')}' -d '${BODY}'`,
      ),
      asked(
        'a curl command that calls JSON a form',
        'content-type.json-as-other',
        'form.sh',
        async () =>
          `curl https://hooks.example.com/hooks/github -H 'X-Hub-Signature-256: ${(await signed(ENV.GITHUB))['X-Hub-Signature-256']}' -d '${BODY}'`,
      ),
      asked(
        'a curl command with "Bearer" twice',
        'bearer.twice',
        'twice.sh',
        () =>
          `curl https://hooks.example.com/hooks/kb -H 'Content-Type: application/json' -H 'Authorization: Bearer Bearer ${ENV.KB}' --data-raw '{}'`,
        { args: seen },
      ),
      asked(
        'a curl command with -u in place of a token',
        'bearer.password',
        'basic.sh',
        () => `curl https://hooks.example.com/hooks/kb -H 'Content-Type: application/json' -u 'kb:${ENV.KB}' -d '{}'`,
        { args: seen },
      ),
      asked(
        'a curl command by GET',
        'route.method-other',
        'get.sh',
        () => `curl https://hooks.example.com/hooks/kb -H 'Authorization: Bearer ${ENV.KB}'`,
        { says: /GET/ },
      ),
      asked(
        'a curl command from an address that is not listed',
        'source-ip.beside',
        'address.sh',
        () =>
          `curl https://hooks.example.com/hooks/kb -H 'Content-Type: application/json' -H 'Authorization: Bearer ${ENV.KB}' -d '{}'`,
        { args: ['--source', '203.0.113.77'] },
      ),
    ]
    return { entries, close: async () => undefined }
  },
}
