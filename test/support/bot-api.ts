import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface BotMessage {
  readonly chat_id: number | string
  readonly text: string
}

/** What sendMessage answers in place of taking the message: its status and its answer's fields. */
export interface BotRefusal {
  readonly status: number
  readonly description: string
  readonly parameters?: { readonly retry_after?: number; readonly migrate_to_chat_id?: number }
}

export interface BotApi {
  readonly url: string
  /** Taken, in order. */
  readonly messages: BotMessage[]
  /** Every attempt, those refused as well. */
  readonly attempts: string[]
  /** Answers to the next attempts, each once. */
  readonly refusals: BotRefusal[]
  close(): Promise<void>
}

/** What the page says that sendMessage takes, of it what a text message may have. */
const PARAMETERS: ReadonlySet<string> = new Set([
  'business_connection_id',
  'chat_id',
  'message_thread_id',
  'text',
  'parse_mode',
  'entities',
  'link_preview_options',
  'disable_notification',
  'protect_content',
])

/**
 * A server that speaks sendMessage as https://core.telegram.org/bots/api#sendmessage and #making-requests describe it.
 * @param elsewhere answers what is not the Bot API's
 */
export async function startBotApi(
  token: string,
  elsewhere: (path: string, headers: Readonly<Record<string, string>>, body: string) => number = () => 404,
  port = 0,
): Promise<BotApi> {
  const messages: BotMessage[] = []
  const attempts: string[] = []
  const refusals: BotRefusal[] = []
  const server = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8')
      const answer = (status: number, value: unknown): void => {
        res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
      }
      if (!req.url?.startsWith('/bot')) {
        const headers = Object.fromEntries(Object.entries(req.headers).map(([name, value]) => [name, String(value)]))
        res.writeHead(elsewhere(req.url ?? '', headers, body), { 'content-type': 'application/json' }).end('{}')
        return
      }
      const no = (status: number, description: string, parameters?: BotRefusal['parameters']): void =>
        answer(status, { ok: false, error_code: status, description, parameters })
      if (req.url !== `/bot${token}/sendMessage`) return no(req.url.includes(token) ? 404 : 401, 'Unauthorized')
      attempts.push(body)
      const refusal = refusals.shift()
      if (refusal) return no(refusal.status, refusal.description, refusal.parameters)
      const fault =
        req.method !== 'POST' || req.headers['content-type'] !== 'application/json' ? 'no JSON' : faultOf(body)
      if (fault !== '') return no(400, `Bad Request: ${fault}`)
      const message = JSON.parse(body) as BotMessage
      messages.push(message)
      answer(200, {
        ok: true,
        result: {
          message_id: messages.length,
          from: { id: 8108431234, is_bot: true, first_name: 'Gate alerts', username: 'gate_alerts_bot' },
          chat: { id: message.chat_id, title: 'Operations, around the clock', type: 'supergroup' },
          date: Math.floor(Date.now() / 1000),
          text: message.text,
        },
      })
    })
  })
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    messages,
    attempts,
    refusals,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function faultOf(body: string): string {
  const value: unknown = JSON.parse(body)
  if (typeof value !== 'object' || value === null) return 'message is empty'
  const { chat_id: chat, text } = value as { readonly chat_id?: unknown; readonly text?: unknown }
  const unknown = Object.keys(value).find(key => !PARAMETERS.has(key))
  if (unknown !== undefined) return `unknown parameter ${unknown}`
  if (!Number.isSafeInteger(chat) && !/^@\w{4,}$/.test(String(chat))) return 'chat not found'
  if (typeof text !== 'string' || text.trim() === '') return 'message text is empty'
  return text.length > 4096 ? 'message is too long' : ''
}
