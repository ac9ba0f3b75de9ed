import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Question {
  readonly token: string
  readonly hint: string | null
  readonly authorization: string
  readonly contentType: string
}

export type Said =
  | { readonly status?: number; readonly headers?: Readonly<Record<string, string>>; readonly body: unknown }
  | 'nothing'
  | 'endless'

/** An authorization server that introspects tokens (RFC 7662), over a real socket. */
export interface AuthorizationServer {
  readonly url: string
  readonly asked: Question[]
  /** What it answers about each token; one that it does not know is not active. */
  readonly tokens: Map<string, Said>
  /** Milliseconds before it answers. */
  delay: number
  close(): Promise<void>
}

export async function startAuthorizationServer(client = 'gate', secret = 'a secret'): Promise<AuthorizationServer> {
  const asked: Question[] = []
  const tokens = new Map<string, Said>()
  const encode = (text: string) => encodeURIComponent(text).replaceAll('%20', '+')
  const expected = `Basic ${Buffer.from(`${encode(client)}:${encode(secret)}`).toString('base64')}`
  const server = createServer(async (req, res) => {
    const question = await read(req)
    asked.push(question)
    await new Promise(resolve => setTimeout(resolve, self.delay))
    const said = tokens.get(question.token) ?? { body: { active: false } }
    if (said === 'nothing') return
    if (question.authorization !== expected) res.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
    else if (said === 'endless') {
      res.writeHead(200, { 'content-type': 'application/json' })
      const more = setInterval(() => res.write('{"a":"'.padEnd(16_384, 'x')), 1)
      res.on('close', () => clearInterval(more))
    } else {
      const body = typeof said.body === 'string' ? said.body : JSON.stringify(said.body)
      res.writeHead(said.status ?? 200, { 'content-type': 'application/json', ...said.headers }).end(body)
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const self: AuthorizationServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/introspect`,
    asked,
    tokens,
    delay: 0,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return self
}

async function read(req: IncomingMessage): Promise<Question> {
  const chunks: Buffer[] = []
  for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk)
  const form = new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
  return {
    token: form.get('token') ?? '',
    hint: form.get('token_type_hint'),
    authorization: req.headers.authorization ?? '',
    contentType: req.headers['content-type'] ?? '',
  }
}
