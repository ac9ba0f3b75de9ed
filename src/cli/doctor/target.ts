import { isIP } from 'node:net'
import type { ListenerConfig, RouteConfig } from '../../config/model.ts'
import { isLocal } from '../../config/values.ts'
import type { World } from './world.ts'

/** An endpoint as a sender is given it. */
export interface Target {
  /** As it was written, hidden characters and all. */
  readonly text: string
  /** `asked`: on the command line; `public`: a public-url of the config; `listener`: made of where it listens. */
  readonly from: 'asked' | 'public' | 'listener'
  readonly route?: RouteConfig | undefined
  readonly listener?: ListenerConfig | undefined
  /** Where to connect to, whatever the name stands for. */
  readonly connect?: { readonly host: string; readonly port: number } | undefined
}

/** A route's endpoints; none where it is reached by Unix sockets alone. @param asked the public URL, in place of the config's */
export function targetsOf(
  route: RouteConfig,
  world: World,
  asked: string | undefined,
  connect: Target['connect'],
): readonly Target[] {
  const path = route.match.path ?? route.match.pathPrefix ?? '/'
  const listeners = world.listenersOf(route)
  if (asked !== undefined) {
    const whole = URL.canParse(asked) && new URL(asked).pathname === '/' && new URL(asked).search === ''
    const text = whole ? `${asked.replace(/\/+$/, '')}${path}` : asked
    return [{ text, from: 'asked', route, listener: listeners[0], connect }]
  }
  if (route.publicUrl !== undefined)
    return [{ text: route.publicUrl + path, from: 'public', route, listener: listeners[0], connect }]
  return listeners.flatMap((listener): Target[] => {
    if (listener.publicUrl !== undefined)
      return [{ text: listener.publicUrl + path, from: 'public', route, listener, connect }]
    const origin = originOf(listener, route)
    if (origin === undefined) return []
    return [{ text: origin + path, from: 'listener', route, listener, connect: connect ?? ownLoopback(listener) }]
  })
}

/** Where to connect to for a listener of this host alone whose address localhost may not stand for: ::1, 127.0.0.2. */
function ownLoopback({ bind }: ListenerConfig): Target['connect'] {
  return 'unix' in bind || !isLocal(bind) || bind.host === '127.0.0.1' ? undefined : bind
}

function originOf(listener: ListenerConfig, { match }: RouteConfig): string | undefined {
  const { bind, tls } = listener
  if ('unix' in bind) return undefined
  const every = bind.host === '0.0.0.0' || bind.host === '::'
  const host =
    match.host ?? (isLocal(bind) || every ? 'localhost' : isIP(bind.host) === 6 ? `[${bind.host}]` : bind.host)
  return `${tls ? 'https' : 'http'}://${host}:${bind.port}`
}
