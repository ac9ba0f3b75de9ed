import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export interface TestProxy {
  readonly port: number
  /** Where it was asked to connect to, with what it was told of the client. */
  readonly asked: string[]
  close(): void
}

async function listen(server: Server, asked: string[]): Promise<TestProxy> {
  const sockets = new Set<Socket>()
  server.on('connection', socket => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

function join(client: Socket, host: string, port: number, stands: () => void): void {
  const upstream = connect(port, host === 'localhost' ? '127.0.0.1' : host, () => {
    stands()
    client.pipe(upstream).pipe(client)
  })
  upstream.on('error', () => client.destroy())
  client.on('close', () => upstream.destroy())
}

/** An HTTP proxy that takes CONNECT. @param answer what to say in place of opening the way */
export function startHttpProxy(answer?: string): Promise<TestProxy> {
  const asked: string[] = []
  const server = createServer(client => {
    client.once('data', (head: Buffer) => {
      const text = head.toString('latin1')
      const [, host = '', port = ''] = /^CONNECT ([^:]+):(\d+) HTTP\/1\.1\r\n/.exec(text) ?? []
      asked.push(`${host}:${port} ${/^Proxy-Authorization: (.*)\r$/m.exec(text)?.[1] ?? ''}`.trim())
      if (answer !== undefined) client.end(answer)
      else
        join(client, host, Number(port), () =>
          client.write('HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n'),
        )
    })
  })
  return listen(server, asked)
}

/** A SOCKS5 proxy. @param password of the user `crm`; absent: it asks for none. @param reply to every request, RFC 1928 */
export function startSocksProxy(password?: string, reply = 0): Promise<TestProxy> {
  const asked: string[] = []
  const server = createServer(async client => {
    let held = Buffer.alloc(0)
    let look: (() => void) | undefined
    const collect = (chunk: Buffer): void => {
      held = Buffer.concat([held, chunk])
      look?.()
    }
    client.on('data', collect)
    const take = async (count: number): Promise<Buffer> => {
      while (held.length < count)
        await new Promise<void>(resolve => {
          look = resolve
        })
      const piece = held.subarray(0, count)
      held = held.subarray(count)
      return piece
    }
    try {
      const [, count = 0] = await take(2)
      const methods = [...(await take(count))]
      const wanted = password === undefined ? 0 : 2
      client.write(Buffer.from([5, methods.includes(wanted) ? wanted : 255]))
      if (password !== undefined) {
        await take(1)
        const user = String(await take((await take(1))[0] ?? 0))
        const given = String(await take((await take(1))[0] ?? 0))
        const good = user === 'crm' && given === password
        client.write(Buffer.from([1, good ? 0 : 1]))
        if (!good) return
      }
      const [, , , type] = await take(4)
      const host = type === 1 ? [...(await take(4))].join('.') : String(await take((await take(1))[0] ?? 0))
      const port = (await take(2)).readUInt16BE()
      asked.push(`${host}:${port}`)
      client.off('data', collect)
      const answer = Buffer.from([5, reply, 0, 1, 127, 0, 0, 1, 0, 0])
      if (reply === 0) join(client, host, port, () => client.write(answer))
      else client.end(answer)
    } catch {
      client.destroy()
    }
  })
  return listen(server, asked)
}
