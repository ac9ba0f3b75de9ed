import type { RouteConfig } from '../../config/model.ts'
import { originOf } from '../../config/url.ts'
import type { Finding } from '../../core/finding.ts'
import { carriesCredentials } from '../../forward/config.ts'
import type { Credential } from '../../forward/credentials/credential.ts'
import { OAuth2 } from '../../forward/credentials/oauth2.ts'
import { outgoingCredentials, reachOf } from '../../gateway/sender.ts'
import { loadClientTls } from '../../tls/client.ts'
import { isLoopbackHost, resolveHost } from './addresses.ts'
import { tryPort } from './connect.ts'
import { lookAtEcho } from './echo.ts'
import { lookAtAnswer } from './endpoint-answer.ts'
import { anchorsIn, lookAtOfferedCas } from './offered-cas.ts'
import { lacking, lookAtChecks, lookAtListener } from './own-config.ts'
import { lookAtUrl } from './public-url.ts'
import { lookAtServer } from './server-tls.ts'
import type { Target } from './target.ts'
import { lookAtToken } from './token.ts'
import { certificatesIn, type Trust } from './trust.ts'
import { type Sending, tryEvents } from './try-events.ts'
import { lookAtUpstreamAnswer } from './upstream-answer.ts'
import { secureAsRoute } from './upstream-tls.ts'
import { connectAsRoute, destinationOfRoute, egressFinding, isFinding } from './upstream-way.ts'
import type { Way } from './way.ts'
import type { World } from './world.ts'

export interface Errand {
  readonly world: World | undefined
  readonly trust: Trust
  readonly sending: Sending
  readonly echo: URL | undefined
}

/** An endpoint, from the text of its URL to an event that is let through. A step that fails ends what rests on it. */
export async function* inbound(target: Target, { world, trust, sending }: Errand): AsyncGenerator<Finding> {
  const { url, findings } = lookAtUrl(target, world)
  yield* findings
  if (url === undefined) return
  const port = target.connect?.port ?? Number(url.port || (url.protocol === 'https:' ? 443 : 80))
  let addresses: readonly string[]
  if (target.connect === undefined) {
    const isPublic = target.from !== 'listener' && !isLoopbackHost(url.hostname)
    const resolved = await resolveHost(url.hostname, isPublic)
    yield* resolved.findings
    addresses = resolved.addresses
  } else addresses = (await resolveHost(target.connect.host, false)).addresses
  if (addresses.length === 0) return
  const reached = await tryPort(url.hostname, addresses, port, target.listener)
  yield* reached.findings
  if (reached.address === undefined) return
  const secure = url.protocol === 'https:'
  const way: Way = { address: reached.address, port, host: url.hostname, secure, trust }
  if (secure) {
    const seen = await lookAtServer(way, trust)
    yield* seen.findings
    if (seen.shaken && target.route && target.listener && world)
      yield* lookAtOfferedCas(seen.shaken.flight, target.route, target.listener, anchorsIn(world, certificatesIn))
    // What follows may hold a secret, and the server is not known.
    if (!seen.trusted) return
  }
  const answers = await lookAtAnswer(target, url, way, findings)
  yield* answers
  // An event made for this route says nothing where the URL leads elsewhere.
  if ([...findings, ...answers].some(({ level }) => level === 'fail') || !target.route || !world) return
  const given = { url, origin: target.from === 'public' ? originOf(target.text) : url.origin }
  yield* await tryEvents(target.route, world, way, given, sending, target.listener)
}

/** The files of the listeners, and what the checks of a route lack. */
export async function* ownConfig(route: RouteConfig, world: World): AsyncGenerator<Finding> {
  for (const listener of world.listenersOf(route)) yield* lookAtListener(listener, world)
  yield* lookAtChecks(route, world)
}

/** The way out: to the upstream of a route, or to the receiver of a bridge. */
export async function* outbound(route: RouteConfig, { world, echo }: Errand): AsyncGenerator<Finding> {
  if (world === undefined) return
  const resources = world.resources(route)
  const destination = destinationOfRoute(route, resources)
  if (isFinding(destination)) {
    yield destination
    return
  }
  const { forward } = route
  const credentials = credentialsOf(route, world)
  if ('cause' in credentials) yield credentials
  else
    for (const credential of credentials)
      if (credential instanceof OAuth2 && forward.authenticate?.oauth2)
        yield* await lookAtToken(credential, forward.authenticate.oauth2)
  if (echo) yield await lookAtEcho(echo, route, resources)
  const { socket: raw, findings } = await connectAsRoute(destination)
  yield* findings
  if (raw === undefined) return
  if (carriesCredentials(forward) || forward['local-address'] !== undefined || forward.proxy)
    yield egressFinding(raw, destination)
  let socket = raw
  let certificateFits = false
  if (destination.secure) {
    const secured = await secureAsRoute(raw, destination, route, resources, world.folder)
    yield* secured.findings
    if (secured.socket === undefined) return
    socket = secured.socket
    const ofCertificates = secured.findings.filter(({ cause }) => cause.startsWith('client-cert.'))
    certificateFits = ofCertificates.length > 0 && ofCertificates.every(({ level }) => level === 'ok')
  }
  if ('cause' in credentials) socket.destroy()
  else yield* await lookAtUpstreamAnswer(socket, route, credentials, certificateFits)
}

function credentialsOf(route: RouteConfig, world: World): readonly Credential[] | Finding {
  const { forward } = route
  if (forward.authenticate === undefined) return []
  const resources = world.resources(route)
  try {
    const tls = forward.to.startsWith('https:')
      ? loadClientTls(forward.tls ?? { 'min-version': 'TLSv1.2' }, resources)
      : undefined
    const means = { resources, upstreams: world.upstreams, tls }
    return outgoingCredentials(forward, forward.authenticate, means, reachOf(forward, means))
  } catch (error) {
    return lacking('credential', error)
  }
}
