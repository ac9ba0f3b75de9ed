import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, expect, it, vi } from 'vitest'
import { type BodySink, Incoming } from '../../src/gateway/incoming.ts'
import { RequestBody } from '../../src/gateway/request-body.ts'

const opened: { close(): void }[] = []
afterEach(() => {
  for (const each of opened.splice(0)) each.close()
})

async function serve(handle: (req: Incoming, res: ServerResponse<Incoming>) => void): Promise<Socket> {
  const server = createServer({ IncomingMessage: Incoming, requireHostHeader: false }, handle).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  opened.push({
    close() {
      client.destroy()
      server.close()
      server.closeAllConnections()
    },
  })
  return client
}

class Kept implements BodySink {
  text = ''
  ended = false
  gone = false
  data(chunk: Buffer): boolean {
    this.text += chunk.toString('latin1')
    return true
  }
  end(): void {
    this.ended = true
  }
  broken(): void {
    this.gone = true
  }
}

const post = (body: string, fields = ''): string =>
  `POST / HTTP/1.1\r\nHost: x\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`
const answer = (res: ServerResponse, text: string): void => {
  res.writeHead(200, ['Content-Length', String(text.length)])
  res.end(text)
}

it('hands over each body of a connection, whole, however it comes', async () => {
  const bodies: string[] = []
  const client = await serve((req, res) => {
    const kept = new Kept()
    const end = (): void => {
      bodies.push(kept.text)
      answer(res, 'ok')
    }
    expect(req.divert({ data: chunk => kept.data(chunk), end, broken: () => undefined })).toBe(true)
  })
  client.write(post('first') + post('second') + post('third').slice(0, -3))
  await vi.waitFor(() => expect(bodies).toEqual(['first', 'second']))
  client.write('ird')
  client.write('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nfou\r\n2\r\nrt')
  client.write('\r\n1\r\nh\r\n0\r\n\r\n')
  await vi.waitFor(() => expect(bodies).toEqual(['first', 'second', 'third', 'fourth']))
})

it('reads on for the next request where the answer was out before the body', async () => {
  const seen: string[] = []
  const client = await serve((req, res) => {
    seen.push(req.url ?? '')
    expect(req.dropBody()).toBe(true)
    answer(res, 'early')
  })
  const long = 'x'.repeat(300_000)
  const [head = ''] = post(long).split('\r\n\r\n')
  client.write(`${head}\r\n\r\n`)
  await once(client, 'data')
  client.write(long + post('').replace('POST /', 'POST /next'))
  await vi.waitFor(() => expect(seen).toEqual(['/', '/next']))
})

it('tells that the connection broke, once', async () => {
  const kept = new Kept()
  let handed = false
  const client = await serve(req => {
    handed = req.divert(kept)
  })
  client.write(post('never whole').slice(0, -3))
  await vi.waitFor(() => expect(kept.text).toBe('never wh'))
  client.destroy()
  await vi.waitFor(() => expect(kept.gone).toBe(true))
  expect(handed).toBe(true)
  expect(kept.ended).toBe(false)
})

it('leaves to the stream what has begun to come', async () => {
  let late: boolean | undefined
  let streamed = ''
  const client = await serve((req, res) => {
    setImmediate(() => {
      late = req.divert(new Kept())
      req.on('data', (chunk: Buffer) => {
        streamed += chunk.toString('latin1')
      })
      req.on('end', () => answer(res, 'ok'))
    })
  })
  client.write(post('body'))
  await once(client, 'data')
  expect(late).toBe(false)
  expect(streamed).toBe('body')
})

it('gives Node the fields that it asks for, as Node joins them', async () => {
  let asked: unknown
  const client = await serve((req, res) => {
    asked = { ...req.headers }
    answer(res, 'ok')
  })
  client.write(post('', 'tE: trailers\r\nTE: deflate\r\nX-Long: 1\r\nServer: x\r\n'))
  await once(client, 'data')
  expect(asked).toEqual({ te: 'trailers, deflate' })
})

it('tells who collects for a capture that the connection broke after the answer', async () => {
  const collected: (Buffer | undefined)[] = []
  const client = await serve((req, res) => {
    const body = new RequestBody(req, res, 100, false, false)
    expect(body.collectRest(1024, whole => collected.push(whole))).toBe(true)
    answer(res, 'refused')
  })
  client.write(post('x'.repeat(100)).slice(0, -50))
  await once(client, 'data')
  expect(collected).toEqual([])
  client.destroy()
  await vi.waitFor(() => expect(collected).toEqual([undefined]))
})
