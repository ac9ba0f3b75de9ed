import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { check } from '../../src/cli/check.ts'
import { providers as verb } from '../../src/cli/providers.ts'
import { variableOf } from '../../src/cli/providers-config.ts'
import { providers, unsignedServices } from '../../src/signing/index.ts'
import { spelledOutServices, UNCONFIRMED } from '../../src/signing/spelled-out.ts'
import { credentials, keyed } from '../support/signed.ts'
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
    async ({ id, page, scheme, secret, publicKey, settings, traps, networks }) => {
      const { code, stdout } = await runVerb(verb, [id])
      expect(code).toBe(0)
      const forms = [secret, publicKey].filter(form => form !== undefined)
      expect(forms.length + Object.keys(settings?.shape ?? {}).length).toBeGreaterThan(0)
      for (const text of [
        page,
        ...forms.flatMap(({ looks, where }) => [looks, where]),
        ...Object.entries(settings?.shape ?? {}).map(([key, type]) => `${key}: ${type.description}`),
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
    const env = keyed.includes(provider) ? { [variableOf(provider)]: credentials(provider).given } : {}
    expect(await runVerb(check, [file, '--strict'], { env })).toEqual({
      code: 0,
      stdout: `${file}: 1 listener, 1 route, fit to run\n`,
      stderr: '',
    })
  })

  it.each(unsignedServices)('gives a config for $id, which signs nothing, that check takes', async ({ id }) => {
    const { stdout } = await runVerb(verb, [id])
    const [, pasted = ''] = stdout.split('Under routes, to paste:\n\n')
    const file = join(folder.path, `${id}.yaml`)
    writeFileSync(file, `listeners:\n  - { name: public, bind: "127.0.0.1:8080" }\nroutes:\n${pasted}`)
    const env = {
      PIPEDRIVE_PASSWORD: 'a-password-of-length',
      CLOUDEVENTS_TOKEN: 'f'.repeat(40),
      OKTA_KEY: 'f'.repeat(40),
    }
    const checked = await runVerb(check, [file], { env })
    // A client certificate needs a listener that asks for one.
    if (id === 'salesforce-outbound') expect(checked.stderr).toContain('client')
    else expect(checked).toMatchObject({ code: 0, stderr: '' })
  })

  it.each([
    ['github', 'X-GitHub-Event'],
    ['gitlab', 'X-Gitlab-Event'],
    ['bitbucket', 'X-Event-Key'],
    ['shopify', 'X-Shopify-Topic, X-Shopify-Shop-Domain'],
    ['sentry', 'Sentry-Hook-Resource'],
    ['woocommerce', 'X-WC-Webhook-Topic'],
    ['discourse', 'X-Discourse-Event-Type, X-Discourse-Event'],
    ['helpscout', 'X-HelpScout-Event'],
    ['twitch', 'Twitch-Eventsub-Message-Type'],
  ])('gives %s a route that lets the type of the event through, which stands in a header', async (id, headers) => {
    const { stdout } = await runVerb(verb, [id])
    expect(stdout).toContain(`  event type ${headers}, not signed\n`)
    expect(stdout).toContain(`forward: { to: "http://127.0.0.1:3000/${id}", pass-headers: [${headers}] }`)
  })

  it('gives CloudEvents a route that keeps apart what only headers tell apart', async () => {
    const { stdout } = await runVerb(verb, ['cloudevents'])
    expect(stdout).not.toContain('replay: {}')
    expect(stdout).toContain('pass-headers: [ce-id, ce-source, ce-type, ce-specversion, ce-time, ce-subject] }')
  })

  it('prints the same as JSON', async () => {
    const all = JSON.parse((await runVerb(verb, ['--json'])).stdout)
    expect(all.map((each: { id: string }) => each.id)).toEqual(
      [...providers, ...unsignedServices, ...spelledOutServices].map(({ id }) => id),
    )
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

/** What `check` says of a pasted route, with every secret that it names at hand. */
async function checked(id: string, pasted: string) {
  const file = join(folder.path, `${id}.yaml`)
  writeFileSync(file, `listeners:\n  - { name: public, bind: "127.0.0.1:8080" }\nroutes:\n${pasted}`)
  const env = Object.fromEntries(
    [...pasted.matchAll(/env: (\w+)/g)].map(([, name = '']) => [name, 'a-secret-of-32-characters-length']),
  )
  const { code, stdout, stderr } = await runVerb(check, [file, '--strict'], { env })
  return { code, said: `${stdout}${stderr}`.replace(file, 'FILE') }
}

const FIT = { code: 0, said: 'FILE: 1 listener, 1 route, fit to run\n' }

describe('services that are no providers', () => {
  it('have names of their own, in order', () => {
    const ids = spelledOutServices.map(({ id }) => id)
    expect(ids).toEqual([...new Set(ids)].sort())
    expect([...providers, ...unsignedServices].filter(({ id }) => ids.includes(id))).toEqual([])
  })

  it('are listed apart from those that are', async () => {
    const { stdout } = await runVerb(verb, [])
    const [known = '', apart = ''] = stdout.split('Spell the scheme out: ')
    for (const { id, name } of spelledOutServices) {
      expect(apart).toMatch(new RegExp(`^${id} +${name} `, 'm'))
      expect(known).not.toMatch(new RegExp(`^${id} `, 'm'))
    }
    expect(apart).toMatch(/^mollie +Mollie +api-key +nothing to verify$/m)
    expect(apart).toMatch(/^vercel +Vercel +signature +as others do it$/m)
  })

  it.each(spelledOutServices)('tells of $id what is known, and that it is not confirmed', async service => {
    const { code, stdout } = await runVerb(verb, [service.id])
    expect(code).toBe(0)
    for (const text of [UNCONFIRMED, service.known, service.restsOn, ...service.steps]) expect(stdout).toContain(text)
    const [, pasted = ''] = stdout.split('Under routes, to paste:\n\n')
    expect(pasted).toContain(`  # ${UNCONFIRMED}\n`)
    expect(await checked(service.id, pasted)).toEqual(FIT)
  })

  it.each(unsignedServices)('gives a config for $id that check takes', async ({ id, instead }) => {
    const { stdout } = await runVerb(verb, [id])
    const [, pasted = ''] = stdout.split('Under routes, to paste:\n\n')
    if (instead.check === 'client-cert') expect(pasted).toContain('client-cert: ')
    else expect(await checked(id, pasted)).toEqual(FIT)
  })

  it('say in JSON that they are not confirmed', async () => {
    expect(JSON.parse((await runVerb(verb, ['vercel', '--json'])).stdout)).toMatchObject({
      id: 'vercel',
      confirmed: false,
      signs: true,
      'rests-on': 'It is what programs of others do; no page of the service was read.',
    })
  })
})
