import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { presetOf } from '../../src/checks/signature-preset.ts'
import { hmacScheme } from '../../src/signing/hmac.ts'
import { providers, unsignedServices } from '../../src/signing/index.ts'
import { type Provider, textSecret } from '../../src/signing/provider.ts'
import { withSettings } from '../../src/signing/settings.ts'
import { fakeRequest, fakeResources } from '../checks/fakes.ts'

const acme: Provider = {
  id: 'acme',
  name: 'Acme',
  page: 'https://acme.example/webhooks',
  summary: 'HMAC-SHA256 over the hook and the raw body.',
  ...withSettings(
    { 'hook-id': z.string().min(1).describe('The id of the hook.'), salt: z.string().optional().describe('Its salt.') },
    { 'hook-id': 'hook-1' },
    values =>
      hmacScheme({
        algorithm: 'sha256',
        header: 'X-Acme',
        encoding: 'hex',
        payload: `${values['hook-id']}${values.salt ?? ''}{body}`,
      }),
  ),
  secret: textSecret('text', 'Somewhere.', 'service'),
  traps: [],
}
const { schema, crossCheck } = presetOf([acme, ...providers], unsignedServices)
const config = schema.superRefine(crossCheck)
const SECRETS = { secrets: [{ env: 'S' }] }
const said = (value: unknown) =>
  config.safeParse(value).error?.issues.map(issue => `${issue.path}: ${issue.message}`) ?? []

describe('settings of a provider', () => {
  it('stand flat beside the others', () => {
    expect(said({ provider: 'acme', 'hook-id': 'h', ...SECRETS })).toEqual([])
    expect(said({ provider: 'acme', 'hook-id': 'h', salt: 's', ...SECRETS })).toEqual([])
  })

  it('are missed, checked, and refused beside another provider', () => {
    expect(said({ provider: 'acme', ...SECRETS })).toEqual([
      ': the key "hook-id" is missing: add "hook-id": The id of the hook.',
    ])
    expect(said({ provider: 'acme', 'hook-id': 7, ...SECRETS })).toHaveLength(1)
    expect(said({ provider: 'github', 'hook-id': 'h', ...SECRETS })).toEqual([
      'hook-id: hook-id is no setting of github: leave it out',
    ])
    expect(said({ provider: 'acme', 'hook-id': 'h', hookid: 'h', ...SECRETS })).toHaveLength(1)
  })

  it('say in the schema whose they are', () => {
    expect(schema.shape).toHaveProperty(['hook-id', 'description'], 'The id of the hook. For acme alone.')
  })

  it('do not let two providers have one', () => {
    expect(() => presetOf([acme, { ...acme, id: 'other' }], [])).toThrow(
      'other: another provider has a setting "hook-id" already',
    )
  })

  it('make the scheme of a route', () => {
    const scheme = acme.settings?.scheme({ provider: 'acme', 'hook-id': 'mine', salt: '!' })
    const verifier = scheme?.verifier(
      [{ name: 'k', bytes: Buffer.from('s'), expires: undefined }],
      undefined,
      fakeResources(),
    )
    const verify = (text: string) =>
      verifier?.verify(
        fakeRequest({ body: 'b', headers: { 'X-Acme': createHmac('sha256', 's').update(text).digest('hex') } }),
        0,
      )
    expect(verify('mine!b')).toMatchObject({ ok: true })
    expect(verify('hook-1b')).toMatchObject({ ok: false })
  })

  it.each(providers.filter(({ settings }) => settings !== undefined))(
    'of $id have no defaults, and can be read twice',
    ({ settings }) => {
      for (const [key, type] of Object.entries(settings?.shape ?? {})) {
        expect(type.safeParse(undefined).data, key).toBeUndefined()
        const written = settings?.example[key]
        if (written !== undefined) expect(type.parse(type.parse(written)), key).toEqual(written)
      }
    },
  )
})

describe('a service that signs nothing', () => {
  it.each(unsignedServices)('$id is no provider of a signature, and says what to use', ({ id, instead }) => {
    expect(said({ provider: id })).toEqual([
      `provider: ${id} signs nothing: use "${instead.check}", see "sallyport providers ${id}"`,
    ])
  })
})
