import { connect, isIP, type Socket } from 'node:net'
import type { ListenerConfig } from '../../config/model.ts'
import { formatBind, isLocal } from '../../config/values.ts'
import { type Finding, fail, ok, warn } from '../../core/finding.ts'
import { isLoopbackHost } from './addresses.ts'

export const CONNECT_MS = 5_000
const MOST_ADDRESSES = 4

/** Connects, or gives the code of the error. */
export function connectTo(host: string, port: number, ms = CONNECT_MS): Promise<Socket | string> {
  return new Promise(resolve => {
    const socket = connect({ host, port, noDelay: true })
    const timer = setTimeout(() => {
      socket.destroy()
      resolve('ETIMEDOUT')
    }, ms)
    socket.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer)
      resolve(error.code ?? error.message)
    })
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.on('error', () => undefined)
      resolve(socket)
    })
  })
}

/** Where a connection stands. */
export interface Reached {
  /** The address that answered. */
  readonly address: string | undefined
  readonly findings: readonly Finding[]
}

/** Tries every address: a sender may choose any of them. */
export async function tryPort(
  host: string,
  addresses: readonly string[],
  port: number,
  listener: ListenerConfig | undefined,
): Promise<Reached> {
  const open: string[] = []
  const shut: { readonly address: string; readonly code: string }[] = []
  for (const address of addresses.slice(0, MOST_ADDRESSES)) {
    const socket = await connectTo(address, port)
    if (typeof socket === 'string') shut.push({ address, code: socket })
    else {
      socket.destroy()
      open.push(address)
    }
  }
  const [address] = open
  if (address === undefined) return { address, findings: [closed(host, port, shut, listener)] }
  const tell = shut.map(each => `${each.address} (${each.code})`).join(', ')
  const findings = [
    shut.length > 0 && !isLoopbackHost(host)
      ? warn(
          'port.one-address-closed',
          `port ${port} is open at ${open.join(', ')} and not at ${tell}, which the name stands for as well`,
          `listen there too, or take the ${shut.some(each => isIP(each.address) === 6) ? 'AAAA' : 'A'} record out`,
          { evidence: { open, closed: shut.map(each => each.address) } },
        )
      : ok('port.open', `port ${port} answers at ${open.join(', ')}`, { open }),
  ]
  return { address, findings }
}

/** Where the listener is, if the URL names another port. */
function bound(listener: ListenerConfig | undefined, port: number): string {
  if (listener === undefined || 'unix' in listener.bind || listener.bind.port === port) return ''
  return `Its listener ${listener.name} is bound to ${formatBind(listener.bind)}: is that port missing in the URL? `
}

function closed(
  host: string,
  port: number,
  shut: readonly { readonly address: string; readonly code: string }[],
  listener: ListenerConfig | undefined,
): Finding {
  const codes = [...new Set(shut.map(({ code }) => code))]
  const evidence = { addresses: shut.map(({ address }) => address), codes }
  const where = `${host}, port ${port}`
  if (codes.includes('ECONNREFUSED')) {
    const abroad = shut.some(({ address }) => !isLoopbackHost(address))
    if (listener && isLocal(listener.bind) && abroad)
      return fail(
        'port.loopback-only',
        `nothing listens at ${where}: the listener ${listener.name} is bound to ${formatBind(listener.bind)}, which other hosts do not reach`,
        'bind it to 0.0.0.0 or the address of this host, or let what stands in front pass requests on to it',
        { evidence, certainty: 'likely' },
      )
    return fail(
      'port.closed',
      `nothing listens at ${where}`,
      `is the gate running, on this port? ${bound(listener, port)}Does what stands in front (NAT, load balancer, container) pass it on?`,
      { evidence },
    )
  }
  if (codes.some(code => code === 'ENETUNREACH' || code === 'EHOSTUNREACH' || code === 'EADDRNOTAVAIL'))
    return fail(
      'port.unreachable',
      `there is no way from here to ${where} (${codes.join(', ')})`,
      'look at the routes of this host',
      {
        evidence,
      },
    )
  return fail(
    'port.filtered',
    `nothing answers at ${where} within ${CONNECT_MS / 1000} s (${codes.join(', ')})`,
    'let the firewalls and security groups in between pass this port',
    { evidence },
  )
}
