import { type Finding, fail, ok } from '../core/finding.ts'
import type { Resources } from '../core/resources.ts'
import { nameOfSecret } from '../core/secret.ts'
import type { JwtConfig } from './jwt-config.ts'
import { loadKeys } from './jwt-keys.ts'
import { endings } from './token-doctor.ts'

/** Whether the keys of an issuer can be had, and which of those in the config end. */
export async function* lookAtKeySet(config: JwtConfig, resources: Resources): AsyncGenerator<Finding> {
  const named = config.keys ?? config.secrets ?? []
  yield* endings(
    'jwt',
    config.keys ? 'key' : 'secret',
    named.map((each, index) => ({ name: nameOfSecret(each, index), expires: each.expires })),
    resources.clock.now(),
  )
  const url = config.jwks?.url
  if (url === undefined) return
  const source = loadKeys(config, resources)
  const keys = source.current() ?? (await source.refresh())
  const { host } = new URL(url)
  if (keys) yield ok('jwt.key-set', `${host} publishes keys for ${config.algorithms.join(', ')}`)
  else
    yield fail(
      'jwt.keys-unreachable',
      `the key set of the issuer is not to be had, so every token is refused (503): ${source.because}`,
      "fetch it by hand from this host: is it the jwks_uri of the issuer's configuration, and does a firewall or a proxy stand in between?",
    )
}
