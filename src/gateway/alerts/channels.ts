import { urlFault } from '../../config/url.ts'
import type { Clock } from '../../core/clock.ts'
import { Offline } from '../../core/resources.ts'
import type { AlertsConfig, ReceiverConfig } from '../../observe/alerts/config.ts'
import type { Letterhead } from '../../observe/alerts/message.ts'
import type { Log } from '../../observe/log.ts'
import { SecretFault } from '../../signing/provider.ts'
import { TlsProblem } from '../../tls/problem.ts'
import type { Loading } from '../loading.ts'
import { Outlet } from '../outlet.ts'
import { deliverBy } from './channel.ts'
import type { Delivery } from './receiver.ts'
import { slack } from './slack.ts'
import { telegram } from './telegram.ts'
import { webhook } from './webhook.ts'

/** A receiver as one config describes it. */
export interface Prepared {
  /** `telegram`, `webhook-2`: the kind, and its place where there are several. */
  readonly name: string
  /** The same for the same receiver, whatever its secrets: what waits for it goes on waiting. */
  readonly key: string
  /** `undefined` where something that it needs is missing. */
  readonly delivery: Delivery | undefined
  retire(): void
}

/** The receivers of a config, with what they need; one that lacks something is told of in the log, and is there. */
export function prepareAll(
  { to }: AlertsConfig,
  letterhead: Letterhead,
  loading: Loading,
  clock: Clock,
  log: Log,
): Prepared[] {
  const kinds = new Map<string, number>()
  return to.map(config => {
    const kind = Object.keys(config)[0] ?? ''
    const place = (kinds.get(kind) ?? 0) + 1
    kinds.set(kind, place)
    const name = place === 1 ? kind : `${kind}-${place}`
    const key = JSON.stringify([config, place])
    try {
      const { outlet, delivery } = open(config, letterhead, loading, clock)
      return { name, key, delivery, retire: () => outlet.retire() }
    } catch (error) {
      if (!(error instanceof Offline || error instanceof SecretFault || error instanceof TlsProblem)) throw error
      log.error('alert receiver offline', { receiver: name, reason: error.message, remedy: error.mend })
      return { name, key, delivery: undefined, retire: () => undefined }
    }
  })
}

function open(
  config: ReceiverConfig,
  letterhead: Letterhead,
  loading: Loading,
  { now }: Clock,
): { readonly outlet: Outlet; readonly delivery: Delivery } {
  if ('telegram' in config) {
    const channel = telegram(config.telegram, loading.secret(config.telegram['bot-token']), letterhead)
    const outlet = new Outlet(config.telegram.api, loading, 'alerts')
    return { outlet, delivery: deliverBy(channel, outlet, now) }
  }
  if ('webhook' in config) {
    const { url, secret } = config.webhook
    const channel = webhook(url, loading.secret(secret), letterhead)
    const outlet = new Outlet(url, loading, 'alerts')
    return { outlet, delivery: deliverBy(channel, outlet, now) }
  }
  const url = loading.secret(config.slack.url).text()
  const fault = urlFault(url)
  if (fault)
    throw new Offline(
      `the URL in ${config.slack.url} ${fault.message.replace(/".*"/, '(not shown)')}`,
      'Copy it again from the app\'s page "Incoming Webhooks".',
    )
  const outlet = new Outlet(url, loading, 'alerts')
  return { outlet, delivery: deliverBy(slack(new URL(url).pathname, letterhead), outlet, now) }
}
