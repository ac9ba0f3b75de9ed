import { connect, isIP, type Socket } from 'node:net'
import type { RouteConfig } from '../../config/model.ts'
import { type Finding, fail, ok, warn } from '../../core/finding.ts'
import type { Resources } from '../../core/resources.ts'
import { AddressFault } from '../../forward/address-guard.ts'
import { type Destination, destinationOf, tcpOptions } from '../../forward/dial.ts'
import { openTunnel, TunnelFault } from '../../forward/tunnel.ts'
import { reachOf } from '../../gateway/sender.ts'
import { loadClientTls } from '../../tls/client.ts'
import { lacking } from './own-config.ts'

const SYSTEM_TLS = { 'min-version': 'TLSv1.2' } as const

/** How a route reaches its upstream; a finding where something for it is missing. */
export function destinationOfRoute({ forward }: RouteConfig, resources: Resources): Destination | Finding {
  try {
    const tls = forward.to.startsWith('https:') ? loadClientTls(forward.tls ?? SYSTEM_TLS, resources) : undefined
    const { reach } = reachOf(forward, { resources, tls })
    return destinationOf(new URL(forward.to).origin, forward.timeout.connect, reach)
  } catch (error) {
    return lacking('upstream', error)
  }
}

export const isFinding = (value: Destination | Finding): value is Finding => 'cause' in value

/** A connection as the route makes them, through its proxy where it has one; before TLS. */
export async function connectAsRoute(
  destination: Destination,
): Promise<{ readonly socket: Socket | undefined; readonly findings: readonly Finding[] }> {
  const { proxy, host, port, connectMs } = destination
  const to = proxy ?? { host, port }
  const name = proxy === undefined ? 'upstream' : 'proxy'
  const where = `${to.host}, port ${to.port}`
  const socket = connect({ ...tcpOptions(destination), host: to.host, port: to.port })
  const error = await stands(socket, connectMs)
  if (error) return { socket: undefined, findings: [unreached(error, name, where, destination)] }
  const findings: Finding[] = [
    ok(`${name}.reached`, `${where} answers at ${socket.remoteAddress}`, {
      address: socket.remoteAddress ?? '',
      from: socket.localAddress ?? '',
    }),
  ]
  if (proxy === undefined) return { socket, findings }
  try {
    await openTunnel(socket, proxy, host, port)
    return { socket, findings: [...findings, ok('proxy.tunnel', `the proxy opens a way to ${host}, port ${port}`)] }
  } catch (fault) {
    socket.destroy()
    if (!(fault instanceof Error)) throw fault
    return { socket: undefined, findings: [...findings, tunnelFault(fault, host, port)] }
  }
}

function stands(socket: Socket, ms: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise(resolve => {
    const end = (error?: NodeJS.ErrnoException): void => {
      clearTimeout(timer)
      socket.off('error', end)
      if (error) socket.destroy()
      socket.on('error', () => undefined)
      resolve(error)
    }
    const timer = setTimeout(
      () => end(Object.assign(new Error(`no connection within ${ms} ms`), { code: 'ETIMEDOUT' })),
      ms,
    )
    socket.on('error', end)
    socket.once('connect', () => end())
  })
}

function codeOf(error: NodeJS.ErrnoException): string {
  if (error instanceof AggregateError) {
    const codes = error.errors.map(each => (each instanceof Error && 'code' in each ? String(each.code) : ''))
    return [...new Set(codes)].filter(Boolean).join(', ')
  }
  return error.code ?? ''
}

function unreached(
  error: NodeJS.ErrnoException,
  name: 'upstream' | 'proxy',
  where: string,
  destination: Destination,
): Finding {
  const code = codeOf(error)
  const evidence = { code, from: destination.localAddress ?? '' }
  if (error instanceof AddressFault)
    return fail(
      'upstream.address-not-allowed',
      error.message,
      'where that is meant, name it: allow-private: [10.0.0.0/8]',
    )
  if (code.includes('EADDRNOTAVAIL') && destination.localAddress !== undefined)
    return fail(
      'egress.no-such-address',
      `this host has no address ${destination.localAddress}`,
      'write one of "ip address" into local-address',
      { evidence },
    )
  if (code.includes('ENOTFOUND'))
    return fail(
      `${name}.unknown`,
      `no address is known for ${where}`,
      'mend the name, or add it to the resolver of this host',
      { evidence },
    )
  if (code.includes('EAI_AGAIN'))
    return fail(`${name}.no-resolver`, `the resolver does not answer for ${where}`, "look at this host's resolver", {
      evidence,
    })
  if (code.includes('ECONNREFUSED'))
    return fail(
      `${name}.closed`,
      `nothing listens at ${where}`,
      name === 'proxy' ? 'is the proxy running, on this port?' : 'is the upstream running, on this port?',
      { evidence },
    )
  if (code.includes('ETIMEDOUT'))
    return fail(
      `${name}.filtered`,
      `nothing answers at ${where} within ${destination.connectMs} ms`,
      'let the firewalls in between pass connections from this host',
      { evidence },
    )
  return fail(
    `${name}.unreachable`,
    `there is no way to ${where} (${code || error.message})`,
    'look at the routes and the addresses of this host',
    { evidence },
  )
}

function tunnelFault(fault: Error, host: string, port: number): Finding {
  if (fault instanceof TunnelFault && /407|authent|user/i.test(fault.message))
    return fail('proxy.credentials', fault.message, 'give username and password of the proxy')
  return fail(
    'proxy.refused',
    fault instanceof TunnelFault ? fault.message : `the proxy broke off: ${fault.message}`,
    `let the proxy open ways to ${host}, port ${port}`,
  )
}

/** The address that the receiver sees, as far as this host can tell. */
export function egressFinding(socket: Socket, destination: Destination): Finding {
  const from = socket.localAddress ?? ''
  if (destination.proxy)
    return ok('egress.proxy', `the receiver sees the proxy's address, not ${from}; --echo URL asks which`)
  if (destination.localAddress !== undefined && from !== destination.localAddress)
    return warn(
      'egress.other-address',
      `the connection leaves from ${from}, and not from ${destination.localAddress}`,
      'look at local-address',
    )
  return ok(
    'egress.address',
    `the connection leaves from ${from}${isIP(from) !== 0 ? '' : ' (unknown)'}; a NAT on the way changes that, which --echo URL tells`,
    { from },
  )
}
