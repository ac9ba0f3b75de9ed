import { error, type Fault, type Path, warning } from '../fault.ts'
import { nearest } from '../nearest.ts'
import { isLoopback, urlFault } from '../url.ts'
import type { Rule } from './context.ts'

/** A bot's token stands in the path of its requests. */
export const alertUrls: Rule = function* (file) {
  const { alerts } = file
  if (alerts?.link !== undefined) yield* unfit('link', alerts.link, ['alerts', 'link'])
  for (const [index, receiver] of (alerts?.to ?? []).entries()) {
    const at: Path = ['alerts', 'to', index]
    if (receiver === undefined) continue
    if ('webhook' in receiver && receiver.webhook?.url !== undefined)
      yield* unfit('url', receiver.webhook.url, [...at, 'webhook', 'url'])
    if (!('telegram' in receiver) || receiver.telegram?.api === undefined) continue
    const { api } = receiver.telegram
    yield* unfit('api', api, [...at, 'telegram', 'api'])
    if (api.startsWith('http:') && !isLoopback(api))
      yield error(
        [...at, 'telegram', 'api'],
        'api: it is plain HTTP, so whoever is on the way reads the bot token',
        'write https://',
      )
  }
}

function* unfit(key: string, url: string, at: Path): Generator<Fault> {
  const fault = urlFault(url)
  if (fault) yield { ...error(at, `${key}: ${JSON.stringify(url)} ${fault.message}`, fault.mend), part: fault.part }
}

/** What lets the gate in at a receiver of telemetry is for that receiver alone. */
export const telemetryTo: Rule = function* (file, context) {
  const otlp = file.telemetry?.otlp
  if (otlp?.endpoint === undefined) return
  const at: Path = ['telemetry', 'otlp']
  yield* unfit('endpoint', otlp.endpoint, [...at, 'endpoint'])
  const given = (['bearer', 'basic', 'headers'] as const).filter(key => context.at([...at, key]) !== undefined)
  const [open] = given
  if (open !== undefined && otlp.endpoint.startsWith('http:') && !isLoopback(otlp.endpoint))
    yield warning(
      [...at, open],
      `${open}: "endpoint" is plain HTTP, so whoever is on the way reads it`,
      'write https:// in endpoint',
      'key',
    )
  if (given.includes('bearer') && given.includes('basic'))
    yield error([...at, 'basic'], 'otlp: bearer and basic both write Authorization', 'keep one of the two', 'key')
}

/** A rule for a route that is not there would never tell anything. */
export const knownRoutes: Rule = function* (file) {
  const names = (file.routes ?? []).flatMap(route => route?.name ?? [])
  // A route whose own name is at fault is reported there.
  if (names.length < (file.routes ?? []).length) return
  for (const [index, rule] of (file.alerts?.rules ?? []).entries())
    for (const [kind, settings] of Object.entries(rule ?? {}))
      for (const [place, name] of (settings?.routes ?? []).entries()) {
        if (name === undefined || names.includes(name)) continue
        const near = nearest(name, names)
        yield error(
          ['alerts', 'rules', index, kind, 'routes', place],
          `routes: there is no route "${name}"`,
          `${near === undefined ? '' : `did you mean "${near}"? `}the routes are: ${names.toSorted().join(', ')}`,
        )
      }
}

/** Only the admin listener hands captures out, so without one none are kept, in no folder either. */
export const capturesAskedFor: Rule = function* (file, context) {
  if (context.at(['captures']) === undefined || context.at(['admin']) !== undefined || file.captures?.keep === 0) return
  yield warning(
    ['captures'],
    'captures: none are kept, because there is no admin listener that could be asked for them',
    'add admin: { bind: 127.0.0.1:9901 }, or leave captures out',
    'key',
  )
}
