import { type FileHandle, open } from 'node:fs/promises'
import { BlockList, isIPv6 } from 'node:net'

export interface Settings {
  readonly port: number
  readonly upstream: number
  readonly secret: string
  /** Bytes of body. */
  readonly cap: number
  /** Requests a second and source. */
  readonly rate: number
  /** The access log. */
  readonly log: string
  /** PEM files; given, it speaks TLS. */
  readonly tls?: { readonly cert: string; readonly key: string }
  /** What the Express application sends upstream with; default: http-proxy-middleware. */
  readonly proxy?: 'http-proxy'
  /** Networks let in, by path. */
  readonly routes: Readonly<Record<string, readonly string[]>>
}

export const settings: Settings = JSON.parse(process.env.SETTINGS ?? '{}')

/** The networks of each path, as `node:net` searches them. */
export function allowLists(): Map<string, BlockList> {
  return new Map(
    Object.entries(settings.routes).map(([path, networks]) => {
      const list = new BlockList()
      for (const network of networks) {
        const [address = '', prefix = ''] = network.split('/')
        list.addSubnet(address, Number(prefix), isIPv6(address) ? 'ipv6' : 'ipv4')
      }
      return [path, list]
    }),
  )
}

/** Counts requests of a source within the second. */
export function rateLimiter(rate: number): (source: string) => boolean {
  const windows = new Map<string, { second: number; count: number }>()
  return source => {
    const second = Math.floor(Date.now() / 1000)
    const window = windows.get(source)
    if (window === undefined || window.second !== second) {
      windows.set(source, { second, count: 1 })
      return true
    }
    return ++window.count <= rate
  }
}

/** Collects lines and writes them at 64 KB or once a second, as nginx's `buffer=64k flush=1s` does. */
export async function accessLog(file: string): Promise<(line: object) => void> {
  const handle: FileHandle = await open(file, 'a')
  let text = ''
  const flush = () => {
    const lines = text
    text = ''
    if (lines !== '') void handle.write(lines)
  }
  setInterval(flush, 1000).unref()
  return line => {
    text += `${JSON.stringify(line)}\n`
    if (text.length > 65_536) flush()
  }
}
