import type { RequestOptions } from 'node:http'
import { resolve } from 'node:path'
import { loadConfig } from '../config/load.ts'
import { resolveSecret } from '../config/secrets.ts'
import { type AdminCode, adminRefusals } from '../console/refusal.ts'
import { http } from '../core/http.ts'
import type { Secret } from '../core/secret.ts'
import { secretAt, textOf } from './arguments.ts'
import { VerbFault } from './fault.ts'
import type { VerbArgs, VerbIo, VerbOption } from './verb.ts'

/** The options of verbs that ask a running gate. */
export const adminOptions = {
  config: {
    type: 'string',
    short: 'c',
    description: "The gate's config: its admin address and token are read from it.",
  },
  admin: {
    type: 'string',
    description: 'The admin address instead, e.g. http://127.0.0.1:9090 or unix:/run/gate.sock.',
  },
  token: { type: 'string', description: 'The admin token: env:NAME or file:PATH.' },
} as const satisfies Readonly<Record<string, VerbOption>>

const MILLISECONDS = 5_000
const LARGEST = 8 * 1024 * 1024

/** Asks a running gate for a page of its admin listener. @throws VerbFault where it can't be had. */
export async function askAdmin(
  args: VerbArgs,
  path: string,
  io: VerbIo,
  method: 'GET' | 'POST' = 'GET',
): Promise<unknown> {
  const { where, token } = addressOf(args, io)
  const { status, body } = await get({
    ...where,
    path,
    method,
    headers: {
      ...(token ? { authorization: `Bearer ${token.text()}` } : {}),
      ...(method === 'POST' ? { 'content-type': 'application/json', 'content-length': 0 } : {}),
    },
  })
  if (status === 401)
    throw new VerbFault('the gate does not take the admin token', "give the config's admin.token", 'problem')
  if (status !== 200) throw refusalOf(status, body)
  return JSON.parse(body)
}

function refusalOf(status: number, body: string): VerbFault {
  const code = /"code":"([a-z.-]+)"/.exec(body)?.[1] ?? ''
  const known = Object.hasOwn(adminRefusals, code) ? adminRefusals[code as AdminCode] : undefined
  return new VerbFault(
    `the gate answered ${status}${known ? `: ${known.meaning.replace(/\.$/, '')}` : ''}`,
    known?.remedy ?? 'see its log for "admin refused"',
    'problem',
  )
}

function addressOf(args: VerbArgs, io: VerbIo): { where: RequestOptions; token: Secret | undefined } {
  const given = textOf(args, 'token')
  const token = given === undefined ? undefined : secretAt(given, 'token', io)
  const address = textOf(args, 'admin')
  if (address !== undefined) return { where: readAddress(address), token }
  const file = textOf(args, 'config')
  if (file === undefined)
    throw new VerbFault('no gate is named', 'write --config FILE, or --admin ADDRESS and --token env:NAME')
  const { config } = loadConfig(resolve(io.cwd, file), io.env)
  if (!config) throw new VerbFault(`${file} can not be loaded`, `see sallyport check ${file}`, 'problem')
  const { admin } = config
  if (!admin) throw new VerbFault(`${file} has no admin listener`, 'add admin: { bind: "127.0.0.1:9090" }', 'problem')
  const secret = token ?? (admin.token && resolveSecret(admin.token, io.env, resolve(config.file, '..')).secret)
  const { bind } = admin
  return { where: 'unix' in bind ? { socketPath: bind.unix } : { host: bind.host, port: bind.port }, token: secret }
}

function readAddress(text: string): RequestOptions {
  if (text.startsWith('unix:')) return { socketPath: text.slice('unix:'.length) }
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'http:')
    throw new VerbFault('--admin is no address', 'write http://127.0.0.1:9090 or unix:/path.sock')
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port === '' ? 80 : Number(url.port) }
}

function get(options: RequestOptions): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((done, failed) => {
    const fail = (error: Error): void =>
      failed(
        new VerbFault(
          `the gate can not be reached (${error.message})`,
          'see that it runs, and at which address',
          'problem',
        ),
      )
    const sent = http.request({ ...options, agent: false, signal: AbortSignal.timeout(MILLISECONDS) }, answer => {
      let body = ''
      answer.setEncoding('utf8')
      answer.on('data', (text: string) => {
        body += text
        if (body.length > LARGEST) sent.destroy(new Error('its answer is too large'))
      })
      answer.on('end', () => done({ status: answer.statusCode ?? 0, body }))
      answer.on('error', fail)
    })
    sent.on('error', fail)
    sent.end()
  })
}
