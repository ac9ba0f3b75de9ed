/** The straightforward gate in Node: node:http in, undici out, every check by hand, nothing tuned. */
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { Pool } from 'undici'
import { accessLog, allowLists, rateLimiter, settings } from './settings.ts'

const lists = allowLists()
const limit = rateLimiter(settings.rate)
const log = await accessLog(settings.log)
const pool = new Pool(`http://127.0.0.1:${settings.upstream}`, { connections: 64 })

/** The status of a refusal, or 0. */
function checkHead(request: IncomingMessage, source: string): number {
  const list = lists.get(request.url ?? '')
  if (list === undefined) return 404
  if (request.method !== 'POST') return 405
  if (!list.check(source)) return 403
  if (!limit(source)) return 429
  if (Number(request.headers['content-length']) > settings.cap) return 413
  return /^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? '') ? 0 : 415
}

async function read(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    length += chunk.length
    if (length > settings.cap) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function checkBody(request: IncomingMessage, body: Buffer): number {
  const sent = Buffer.from(String(request.headers['x-hub-signature-256'] ?? ''))
  const mac = Buffer.from(`sha256=${createHmac('sha256', settings.secret).update(body).digest('hex')}`)
  if (sent.length !== mac.length || !timingSafeEqual(sent, mac)) return 401
  try {
    JSON.parse(body.toString())
    return 0
  } catch {
    return 400
  }
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const start = performance.now()
  const id = randomUUID()
  const source = request.socket.remoteAddress ?? ''
  let status = checkHead(request, source)
  let body: Buffer | undefined
  if (status === 0) {
    body = await read(request)
    status = body === undefined ? 413 : checkBody(request, body)
  }
  if (status !== 0 || body === undefined) {
    response.writeHead(status, { 'content-type': 'text/plain' })
    response.end('refused\n')
  } else {
    const upstream = await pool.request({
      path: request.url ?? '/',
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-request-id': id,
        'x-forwarded-for': source,
        'x-forwarded-proto': 'http',
        'x-forwarded-host': request.headers.host ?? '',
        'x-github-event': String(request.headers['x-github-event']),
        'x-github-delivery': String(request.headers['x-github-delivery']),
      },
      body,
    })
    status = upstream.statusCode
    const bytes = Buffer.from(await upstream.body.arrayBuffer())
    response.writeHead(status, { 'content-type': String(upstream.headers['content-type']) })
    response.end(bytes)
  }
  log({
    time: new Date(),
    id,
    source,
    method: request.method,
    path: request.url,
    status,
    in: body?.length,
    ms: performance.now() - start,
  })
}

const serve = (request: IncomingMessage, response: ServerResponse) => {
  answer(request, response).catch(() => response.destroy())
}
const { tls } = settings
const server = tls
  ? createTlsServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key), ALPNProtocols: ['http/1.1'] }, serve)
  : createServer(serve)
server.listen(settings.port, '127.0.0.1')
