import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { check } from '../../src/cli/check.ts'
import { providers as verb } from '../../src/cli/providers.ts'
import { variableOf } from '../../src/cli/providers-config.ts'
import { providers, unsignedServices } from '../../src/signing/index.ts'
import { credentials } from '../support/signed.ts'
import { temporaryFolder } from '../tls/craft.ts'
import { runVerb } from './run-verb.ts'

const folder = temporaryFolder()
afterAll(() => folder[Symbol.dispose]())

describe('providers', () => {
  it('lists every provider, a line each', async () => {
    const { code, stdout } = await runVerb(verb, [])
    expect(code).toBe(0)
    for (const { id, name } of providers) expect(stdout).toMatch(new RegExp(`^${id} +${name} `, 'm'))
    expect(stdout).toMatch(/^slack .* hmac-sha256 +5 m +event_id of the body$/m)
  })

  it.each(providers)(
    'tells of $id what it takes to set it up',
    async ({ id, page, scheme, secret, publicKey, traps, networks }) => {
      const { code, stdout } = await runVerb(verb, [id])
      expect(code).toBe(0)
      const forms = [secret, publicKey].filter(form => form !== undefined)
      expect(forms.length).toBeGreaterThan(0)
      for (const text of [
        page,
        ...forms.flatMap(({ looks, where }) => [looks, where]),
        ...scheme.headers,
        ...traps,
        ...(networks?.cidrs ?? []),
      ])
        expect(stdout).toContain(text)
      if (networks) expect(stdout).toContain(`as of ${networks.asOf}`)
      expect(stdout).not.toMatch(/undefined|null|\[object/)
    },
  )

  it.each(providers)('gives a config for $id that check takes as it stands', async provider => {
    const { stdout } = await runVerb(verb, [provider.id])
    const [, pasted = ''] = stdout.split('Under routes, to paste:\n\n')
    const file = join(folder.path, `${provider.id}.yaml`)
    writeFileSync(file, `listeners:\n  - { name: public, bind: "127.0.0.1:8080" }\nroutes:\n${pasted}`)
    const env = { [variableOf(provider)]: credentials(provider).given }
    expect(await runVerb(check, [file, '--strict'], { env })).toEqual({
      code: 0,
      stdout: `${file}: 1 listener, 1 route, fit to run\n`,
      stderr: '',
    })
  })

  it('prints the same as JSON', async () => {
    const all = JSON.parse((await runVerb(verb, ['--json'])).stdout)
    expect(all.map((each: { id: string }) => each.id)).toEqual([...providers, ...unsignedServices].map(({ id }) => id))
    expect(JSON.parse((await runVerb(verb, ['zendesk', '--json'])).stdout)).toMatchObject({
      id: 'zendesk',
      scheme: 'hmac-sha256',
      'tolerance-s': 300,
      'event-id': { header: 'X-Zendesk-Webhook-Invocation-Id', signed: false },
      accept: ['json'],
      networks: null,
    })
  })

  it('calls an unknown or second name wrong usage', async () => {
    expect((await runVerb(verb, ['strip'])).stderr).toContain('did you mean "stripe"?')
    expect((await runVerb(verb, ['strip'])).code).toBe(2)
    expect((await runVerb(verb, ['stripe', 'slack'])).code).toBe(2)
  })
})
