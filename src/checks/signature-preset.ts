import { z } from 'zod'
import { providers, unsignedServices } from '../signing/index.ts'
import type { Provider, UnsignedService } from '../signing/provider.ts'
import { type KeysConfig, keys, secrets } from './signature-keys.ts'
import { tolerance } from './signature-values.ts'

type Say = (path: string[], message: string) => void

/** A service by name, of those that are known, and what its schema alone does not tell. */
export function presetOf(known: readonly Provider[], unsigned: readonly UnsignedService[]) {
  const settings = settingsOf(known)
  const ids = [...known, ...unsigned].map(({ id }) => id)
  const schema = z.strictObject({
    ...settings,
    provider: z.enum(ids as [string, ...string[]]).describe('The service that sends.'),
    secrets: secrets.optional(),
    keys: keys.optional(),
    tolerance,
  })
  function crossCheck(config: z.output<typeof schema>, context: z.RefinementCtx): void {
    const say: Say = (path, message) => context.addIssue({ code: 'custom', path, message })
    const service = [...known, ...unsigned].find(({ id }) => id === config.provider)
    if (service === undefined) return
    const { id } = service
    if ('instead' in service) {
      say(['provider'], `${id} signs nothing: use "${service.instead.check}", see "sallyport providers ${id}"`)
      return
    }
    checkKeys(config, service, say)
    if (config.tolerance !== undefined && service.scheme.tolerance === undefined)
      say(['tolerance'], `${id} signs no timestamp, so there is nothing to tolerate: leave it out, and add replay`)
    const own = service.settings?.shape ?? {}
    for (const key of Object.keys(settings))
      if (Reflect.get(config, key) !== undefined && !Object.hasOwn(own, key))
        say([key], `${key} is no setting of ${id}: leave it out`)
    for (const [key, type] of Object.entries(own))
      if (Reflect.get(config, key) === undefined && !type.safeParse(undefined).success)
        say([], `the key "${key}" is missing: add "${key}": ${type.description ?? ''}`)
  }
  return { schema, crossCheck }
}

/** Every setting of a provider's own, by its key. */
function settingsOf(known: readonly Provider[]): Record<string, z.ZodType> {
  const settings: Record<string, z.ZodType> = {}
  for (const { id, settings: own } of known)
    for (const [key, type] of Object.entries(own?.shape ?? {})) {
      if (Object.hasOwn(settings, key)) throw new Error(`${id}: another provider has a setting "${key}" already`)
      settings[key] = type.optional().describe(`${type.description ?? ''} For ${id} alone.`)
    }
  return settings
}

function checkKeys(config: KeysConfig, { id, secret, publicKey }: Provider, say: Say): void {
  if (config.secrets && secret === undefined)
    say(
      ['secrets'],
      publicKey
        ? `${id} signs with a private key, and has no secret: give its public key under keys: [{ env: NAME }]`
        : `${id} signs with a key that it publishes: leave secrets out`,
    )
  if (config.keys && publicKey === undefined)
    say(
      ['keys'],
      secret
        ? `${id} signs with a secret, and has no public key: give the secret under secrets: [{ env: NAME }]`
        : `${id} signs with a key that it publishes: leave keys out`,
    )
  if (config.secrets || config.keys) return
  if (secret) say([], 'the key "secrets" is missing: add secrets: [{ env: NAME }]')
  else if (publicKey) say([], 'the key "keys" is missing: add keys: [{ env: NAME }]')
}

const all = presetOf(providers, unsignedServices)
export const preset = all.schema
export const crossCheckPreset = all.crossCheck
export type PresetConfig = z.output<typeof preset>
