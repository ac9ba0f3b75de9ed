import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { visible } from '../config/problem.ts'
import { whyUnreadable } from '../config/secrets.ts'
import { originOf } from '../config/url.ts'
import { parseMediaType } from '../core/media-type.ts'
import type { Signatory } from '../signing/provider.ts'
import { neededText, secretAt, textOf, textsOf } from './arguments.ts'
import { tellFault, VerbFault } from './fault.ts'
import { type Answer, post } from './send-answer.ts'
import { compose, type Draft, FORGERIES, type Forgery, type SignedRequest } from './send-message.ts'
import { readSignatory, SIGNATORY_OPTIONS } from './send-signatory.ts'
import { EXIT, type Verb, type VerbArgs, type VerbIo, wrongUsage } from './verb.ts'

/** Stands in for a service: signs a body as it does, and posts it. */
export const send: Verb = {
  name: 'send',
  summary:
    'Signs a body as a provider does, or after RFC 9421, posts it, and shows the answer; forged too, to see it refused.',
  usage: '--provider NAME|--scheme NAME --secret env:NAME|file:PATH --url URL [--body FILE|-] [--data TEXT] [...]',
  examples: [
    `sallyport send --provider github --secret env:GITHUB_SECRET --url https://localhost:8443/hooks/github --ca certs/ca.crt --data '{"zen":"Keep it simple."}'`,
    'sallyport send --provider zendesk --secret file:zendesk.secret --url http://127.0.0.1:8080/hooks/zendesk --body event.json --forge timestamp',
    "sallyport send --provider slack --secret env:SLACK_SECRET --url http://127.0.0.1:8080/hooks/slack --content-type application/x-www-form-urlencoded --data 'command=/tickets&text=open'",
    `sallyport send --scheme http-message-signature --algorithm ed25519 --key-id partner-1 --secret file:private.pem --url http://127.0.0.1:8080/hooks/partner --data '{"event":"ticket.created"}'`,
  ],
  options: {
    ...SIGNATORY_OPTIONS,
    secret: {
      type: 'string',
      description: 'Its secret, or the private key where it signs with one, by reference: env:NAME or file:PATH.',
    },
    url: { type: 'string', description: 'Where to post it: http:// or https://.' },
    body: { type: 'string', description: 'The file that holds the body, byte for byte; - reads it from stdin.' },
    data: { type: 'string', description: 'The body as text, instead of --body.' },
    'content-type': {
      type: 'string',
      description:
        'Default application/json, or a form for a service that sends nothing else; none where the body is empty.',
    },
    header: { type: 'string', multiple: true, description: "A further header, 'Name: value'; may be repeated." },
    id: {
      type: 'string',
      description:
        "The event's id, where the service sends one in a header; the nonce of a message signature. Default a new UUID.",
    },
    'public-url': {
      type: 'string',
      description: "The route's public-url, where it has one: some schemes sign it. Default the origin of --url.",
    },
    ca: { type: 'string', description: "The CA file, PEM, that the server's certificate must lead to." },
    forge: {
      type: 'string',
      description: 'Spoil it: secret (another one), body (changed after signing), timestamp (old).',
    },
  },
  async run(args, io) {
    if (args.positionals.length > 0) return wrongUsage(io, send, 'it takes options only')
    try {
      const draft = await read(args, io)
      const ca = readOption(args, 'ca', io)
      const request = compose(draft)
      showRequest(request, draft.forge, io)
      const answer = await post(request, ca)
      showAnswer(answer, io)
      return answer.status >= 200 && answer.status < 300 ? EXIT.ok : EXIT.problem
    } catch (error) {
      return tellFault(io, 'send', error)
    }
  },
}

async function read(args: VerbArgs, io: VerbIo): Promise<Draft> {
  const signatory = readSignatory(args)
  const url = readUrl(neededText(args, 'url', 'write --url http://127.0.0.1:8080/hooks/...'))
  const secret = secretAt(neededText(args, 'secret', 'write --secret env:NAME or --secret file:PATH'), 'secret', io)
  const forge = readForgery(textOf(args, 'forge'))
  const body = await readBody(args, io)
  return {
    signatory,
    secret,
    url,
    publicOrigin: readOrigin(textOf(args, 'public-url')),
    body,
    contentType: readType(textOf(args, 'content-type'), body, signatory),
    headers: textsOf(args, 'header').map(readHeader),
    id: readId(textOf(args, 'id')),
    nowMs: Date.now(),
    forge,
  }
}

function readUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new VerbFault(
      `--url ${JSON.stringify(visible(text))} is no http or https URL`,
      'write it whole: https://host:port/path',
    )
  if (url.username !== '' || url.password !== '')
    throw new VerbFault(
      '--url holds a user or a password',
      "write it without, and --header 'Authorization: ...' if it is needed",
    )
  return url
}

function readOrigin(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const url = readUrl(text)
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '')
    throw new VerbFault('--public-url holds a path', 'write the origin alone, e.g. https://hooks.example.com')
  return originOf(text)
}

function readForgery(text: string | undefined): Forgery | undefined {
  const known = FORGERIES.find(each => each === text)
  if (text !== undefined && known === undefined)
    throw new VerbFault(`--forge ${visible(text)} is not known`, `one of ${FORGERIES.join(', ')}`)
  return known
}

async function readBody(args: VerbArgs, io: VerbIo): Promise<Buffer> {
  const data = textOf(args, 'data')
  const file = textOf(args, 'body')
  if ((data === undefined) === (file === undefined))
    throw new VerbFault(
      data === undefined ? 'there is no body' : '--body and --data exclude each other',
      "write --body FILE, --body - for stdin, or --data TEXT; --data '' sends an empty one",
    )
  if (data !== undefined) return Buffer.from(data)
  return file === '-' ? buffer(process.stdin) : (readOption(args, 'body', io) ?? Buffer.alloc(0))
}

function readOption(args: VerbArgs, option: 'body' | 'ca', io: VerbIo): Buffer | undefined {
  const path = textOf(args, option)
  if (path === undefined) return undefined
  try {
    return readFileSync(resolve(io.cwd, path))
  } catch (cause) {
    const { message } = whyUnreadable(path, cause)
    throw new VerbFault(`--${option}: ${message}`, 'check the path; it is relative to the current folder', 'problem')
  }
}

function readType(text: string | undefined, body: Buffer, { accept = ['json'] }: Signatory): string {
  const usual =
    accept[0] === 'form' && !accept.includes('json') ? 'application/x-www-form-urlencoded' : 'application/json'
  if (text === undefined) return body.length === 0 ? '' : usual
  if (parseMediaType(text) === undefined)
    throw new VerbFault(`--content-type ${JSON.stringify(text)} is no media type`, 'write e.g. application/json')
  return text
}

function readHeader(text: string): readonly [string, string] {
  const [, name, value] = /^([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([\t\x20-\x7e]*)$/.exec(text) ?? []
  if (name === undefined || value === undefined)
    throw new VerbFault(`--header ${JSON.stringify(text)} is no header`, "write 'Name: value' in ASCII, on one line")
  return [name, value.trimEnd()]
}

function readId(text: string | undefined): string {
  if (text === undefined) return randomUUID()
  if (!/^[\x21-\x7e]{1,256}$/.test(text))
    throw new VerbFault(
      `--id ${JSON.stringify(text)} can not stand in a header`,
      'write 1 to 256 ASCII characters without blanks',
    )
  return text
}

function showRequest({ url, shown, body }: SignedRequest, forge: Forgery | undefined, io: VerbIo): void {
  const told =
    forge === undefined
      ? ''
      : `, forged: ${{ secret: 'another secret', body: 'a byte added after signing', timestamp: 'signed 30 days ago' }[forge]}`
  const lines = [
    `POST ${url.pathname}${url.search} HTTP/1.1`,
    `host: ${url.host}`,
    ...shown.map(([name, value]) => `${name.toLowerCase()}: ${visible(value)}`),
  ]
  io.stdout.write(`${lines.map(line => `> ${line}\n`).join('')}> (${body.length} bytes of body${told})\n\n`)
}

function showAnswer({ line, headers, body, cut }: Answer, io: VerbIo): void {
  const lines = [line, ...headers.map(([name, value]) => `${name}: ${value}`)]
  const end = cut ? '\n... (the rest is left out)\n' : body === '' ? '' : '\n'
  io.stdout.write(`${lines.map(text => `< ${text}\n`).join('')}${body === '' ? '' : `\n${body}${end}`}`)
}
