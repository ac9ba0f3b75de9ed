// The gate as an Express application has it: middleware for each check, and to the CRM http-proxy-middleware or the
// http-proxy that home-made gates were built on.
// JavaScript, because Express brings no types.
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto'
import { Agent } from 'node:http'
import express from 'express'
import httpProxy from 'http-proxy'
import { createProxyMiddleware } from 'http-proxy-middleware'
import { accessLog, allowLists, rateLimiter, settings } from './settings.ts'

const limit = rateLimiter(settings.rate)
const log = await accessLog(settings.log)
const app = express().disable('x-powered-by').disable('etag')

app.use((request, response, next) => {
  const start = performance.now()
  request.id = randomUUID()
  response.on('finish', () =>
    log({
      time: new Date(),
      id: request.id,
      source: request.ip,
      method: request.method,
      path: request.path,
      status: response.statusCode,
      in: request.body?.length,
      ms: performance.now() - start,
    }),
  )
  next()
})

function verify(request, response, next) {
  const sent = Buffer.from(request.get('x-hub-signature-256') ?? '')
  const mac = Buffer.from(`sha256=${createHmac('sha256', settings.secret).update(request.body).digest('hex')}`)
  if (sent.length !== mac.length || !timingSafeEqual(sent, mac)) return response.sendStatus(401)
  try {
    JSON.parse(request.body.toString())
  } catch {
    return response.sendStatus(400)
  }
  next()
}

const options = {
  target: `http://127.0.0.1:${settings.upstream}`,
  agent: new Agent({ keepAlive: true, maxSockets: 64 }),
  xfwd: true,
}

// The body was read by the checks, so it's written again; the head still has its length.
function passOn(outgoing, request) {
  outgoing.setHeader('x-request-id', request.id)
  outgoing.write(request.body)
}

function httpProxyOf() {
  const server = httpProxy.createProxyServer(options)
  server.on('proxyReq', passOn)
  server.on('error', (_error, _request, response) => response.sendStatus(502))
  return (request, response) => server.web(request, response)
}

const proxy =
  settings.proxy === 'http-proxy' ? httpProxyOf() : createProxyMiddleware({ ...options, on: { proxyReq: passOn } })

for (const [path, list] of allowLists()) {
  app.post(
    path,
    (request, response, next) => (list.check(request.ip) ? next() : response.sendStatus(403)),
    (request, response, next) => (limit(request.ip) ? next() : response.sendStatus(429)),
    (request, response, next) => (request.is('application/json') ? next() : response.sendStatus(415)),
    express.raw({ type: 'application/json', limit: settings.cap, inflate: false }),
    verify,
    proxy,
  )
}

app.listen(settings.port, '127.0.0.1')
