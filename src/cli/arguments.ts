import { nearest } from '../config/nearest.ts'
import { resolveSecret } from '../config/secrets.ts'
import { type Secret, SecretRef } from '../core/secret.ts'
import { providerOf, providers, unsignedOf, unsignedServices } from '../signing/index.ts'
import type { Provider, UnsignedService } from '../signing/provider.ts'
import { type SpelledOutService, spelledOutOf, spelledOutServices } from '../signing/spelled-out.ts'
import { VerbFault } from './fault.ts'
import type { VerbArgs, VerbIo } from './verb.ts'

/** An option's text; `undefined` where it was not given. */
export function textOf(args: VerbArgs, option: string): string | undefined {
  const value = args.values[option]
  return typeof value === 'string' ? value : undefined
}

/** @throws VerbFault where the option was not given */
export function neededText(args: VerbArgs, option: string, mend: string): string {
  const value = textOf(args, option)
  if (value === undefined || value === '') throw new VerbFault(`--${option} is missing`, mend)
  return value
}

export function textsOf(args: VerbArgs, option: string): readonly string[] {
  const value = args.values[option]
  return Array.isArray(value) ? value.filter(each => typeof each === 'string') : []
}

/** Of a route that a config does not have. */
export function noRoute(route: string, names: readonly string[]): VerbFault {
  const near = nearest(route, names)
  return new VerbFault(
    `there is no route ${JSON.stringify(route.slice(0, 64))}`,
    near === undefined ? `one of ${names.join(', ')}` : `did you mean "${near}"?`,
  )
}

/** @throws VerbFault for a name that no provider has, or one of a service that signs nothing or is not confirmed */
export function namedProvider(name: string): Provider {
  const service = namedService(name)
  if ('scheme' in service) return service
  if ('restsOn' in service)
    throw new VerbFault(
      `${service.name} is no provider`,
      `"sallyport providers ${name}" tells what is known of it, and how to spell it out`,
    )
  throw new VerbFault(`${service.name} signs nothing`, `"sallyport providers ${name}" tells what it offers instead`)
}

/** @throws VerbFault for a name that no service has */
export function namedService(name: string): Provider | UnsignedService | SpelledOutService {
  const service = providerOf(name) ?? unsignedOf(name) ?? spelledOutOf(name)
  if (service) return service
  const known = [...providers, ...unsignedServices, ...spelledOutServices].map(({ id }) => id)
  const near = nearest(name, known)
  throw new VerbFault(
    `there is no provider ${JSON.stringify(name)}`,
    `${near === undefined ? '' : `did you mean "${near}"? `}one of ${known.join(', ')}`,
  )
}

/**
 * The secret of `env:NAME` or `file:PATH`, held to the rules that the gate holds its config to.
 * @throws VerbFault that never repeats the argument: it may be the secret itself, typed where it should not be
 */
export function secretAt(reference: string, option: string, io: VerbIo): Secret {
  const [, kind, name = ''] = /^(env|file):(.+)$/s.exec(reference) ?? []
  if (kind !== 'env' && kind !== 'file')
    throw new VerbFault(
      `--${option} takes a reference, not the secret itself`,
      `write --${option} env:NAME or --${option} file:PATH`,
    )
  const { secret, problem } = resolveSecret(new SecretRef(kind, name), io.env, io.cwd, 'the current folder')
  if (secret) return secret
  throw new VerbFault(problem?.message ?? 'the secret can not be read', problem?.mend ?? `set ${name}`, 'problem')
}
