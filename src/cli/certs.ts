import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join, resolve } from 'node:path'
import type { Verb, VerbArgs, VerbIo } from './verb.ts'

/** A command line that can't be meant; exit code 2. */
class Usage extends Error {
  readonly mend: string
  constructor(message: string, mend: string) {
    super(message)
    this.mend = mend
  }
}

type Action = (args: VerbArgs, io: VerbIo) => Promise<number>

const ACTIONS: Readonly<Record<string, Action>> = { init, client, revoke, p12, show }

export const certs: Verb = {
  name: 'certs',
  summary: 'Makes, revokes, bundles and shows certificates.',
  usage: 'init | client | revoke CERTFILE | p12 | show FILE',
  examples: [
    'sallyport certs init --dir certs --name hooks.example.com',
    'sallyport certs client --dir certs --name bank --dns hooks.bank.example --out certs/bank',
    'sallyport certs revoke --dir certs certs/bank.crt',
    'sallyport certs p12 --dir certs --name client --out client.p12 --password env:P12_PASSWORD',
    'sallyport certs show certs/server.crt',
  ],
  options: {
    dir: { type: 'string', description: 'The folder of the CAs and certificates.' },
    name: {
      type: 'string',
      multiple: true,
      description: "init: a further name or address of the server. client, p12: the client's name.",
    },
    dns: { type: 'string', multiple: true, description: 'client: a DNS name.' },
    uri: { type: 'string', multiple: true, description: 'client: a URI, e.g. spiffe://bank.example/webhooks.' },
    email: { type: 'string', multiple: true, description: 'client: an e-mail address.' },
    out: { type: 'string', description: 'client: path of the two files without .crt and .key. p12: the bundle.' },
    password: { type: 'string', description: "p12: the bundle's password, env:NAME or file:PATH." },
    force: { type: 'boolean', description: 'Replaces what is there.' },
  },
  async run(args, io) {
    const name = args.positionals[0] ?? ''
    try {
      const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined
      if (action === undefined) {
        throw new Usage(
          name === '' ? 'what to do is missing' : `can't "${name}"`,
          `one of ${Object.keys(ACTIONS).join(', ')}`,
        )
      }
      return await action(args, io)
    } catch (error) {
      return tell(error, io)
    }
  },
}

async function init(args: VerbArgs, io: VerbIo): Promise<number> {
  expectPositionals(args, 0, 'certs init')
  const dir = required(args, 'dir')
  const names = texts(args, 'name')
  for (const name of names) if (isIP(name) === 0) expectHostName(name)
  const { initCertificates } = await import('../tls/directory.ts')
  const files = await initCertificates(resolve(io.cwd, dir), {
    names,
    force: args.values.force === true,
    now: Date.now(),
  })
  for (const { file, did, role, notAfter } of files) {
    io.stdout.write(`${did.padEnd(8)} ${join(dir, file).padEnd(dir.length + 16)} ${role}, until ${day(notAfter)}\n`)
  }
  for (const { file, lacks } of files.filter(({ lacks }) => lacks.length > 0)) {
    io.stderr.write(`sallyport certs: ${join(dir, file)} was kept and does not name ${lacks.join(', ')}\n`)
    io.stderr.write('mend: remove it and its key and run this again; the CA stays\n')
  }
  return files.some(({ lacks }) => lacks.length > 0) ? 1 : 0
}

async function client(args: VerbArgs, io: VerbIo): Promise<number> {
  expectPositionals(args, 0, 'certs client')
  const dir = required(args, 'dir')
  const name = clientName(args)
  const [dns, uris, emails] = [texts(args, 'dns'), texts(args, 'uri'), texts(args, 'email')]
  dns.forEach(expectHostName)
  for (const uri of uris) {
    if (!/^[\x21-\x7e]+$/.test(uri) || !URL.canParse(uri))
      throw new Usage(`--uri ${uri} is no URI`, 'write it whole: spiffe://...')
  }
  for (const email of emails) {
    if (!/^[\x21-\x3f\x41-\x7e]+@[\x21-\x3f\x41-\x7e]+$/.test(email))
      throw new Usage(`--email ${email} is no address`, 'write name@host')
  }
  if (dns.length + uris.length + emails.length === 0) {
    throw new Usage('the certificate would have no name to allow', 'give it one with --dns, --uri or --email')
  }
  const base = text(args, 'out')?.replace(/\.crt$/, '') ?? join(dir, name)
  const { addClient } = await import('../tls/directory.ts')
  const names = { dns, uris, emails }
  await addClient(resolve(io.cwd, dir), resolve(io.cwd, base), name, names, Date.now(), args.values.force === true)
  io.stdout.write(`made     ${base}.crt and ${base}.key, signed by ${join(dir, 'clients-ca.crt')}\n`)
  return 0
}

async function revoke(args: VerbArgs, io: VerbIo): Promise<number> {
  const [file] = expectPositionals(args, 1, 'certs revoke --dir DIR CERTFILE')
  const dir = required(args, 'dir')
  const { revokeCertificate } = await import('../tls/directory.ts')
  const done = await revokeCertificate(resolve(io.cwd, dir), resolve(io.cwd, file), Date.now())
  const crl = join(dir, 'clients.crl')
  io.stdout.write(done ? `revoked  ${file}; ${crl} is signed anew\n` : `kept     ${crl}: ${file} was revoked before\n`)
  return 0
}

async function p12(args: VerbArgs, io: VerbIo): Promise<number> {
  expectPositionals(args, 0, 'certs p12')
  const dir = required(args, 'dir')
  const name = clientName(args)
  const out = required(args, 'out')
  const password = readPassword(required(args, 'password'), io)
  const { bundleClient } = await import('../tls/directory.ts')
  await bundleClient(resolve(io.cwd, dir), name, resolve(io.cwd, out), password, args.values.force === true)
  io.stdout.write(`made     ${out}: ${join(dir, `${name}.crt`)}, its key and its CA\n`)
  return 0
}

async function show(args: VerbArgs, io: VerbIo): Promise<number> {
  const [file] = expectPositionals(args, 1, 'certs show FILE')
  const { describePem } = await import('../tls/describe.ts')
  const path = resolve(io.cwd, file)
  const keyPath = file.replace(/\.[^./]+$/, '.key')
  const key = keyPath === file ? undefined : readIfThere(resolve(io.cwd, keyPath))
  const beside = key === undefined ? undefined : { path: keyPath, pem: key }
  const described = describePem(readFileSync(path, 'latin1'), beside, Date.now())
  described.parts.forEach((part, index) => {
    io.stdout.write(`${file}, ${index + 1} of ${described.parts.length}\n`)
    for (const [label, value] of part) {
      io.stdout.write(`  ${label.padEnd(12)} ${value.replaceAll('\n', `\n${' '.repeat(15)}`)}\n`)
    }
  })
  if (described.key === 'matches') io.stdout.write(`${keyPath} is its key\n`)
  for (const problem of described.problems) io.stderr.write(`problem: ${problem}\n`)
  return described.problems.length === 0 ? 0 : 1
}

function readPassword(reference: string, io: VerbIo): string {
  const [, kind, name = ''] = /^(env|file):(.+)$/s.exec(reference) ?? []
  // The reference may be the password itself, typed where it should not be, so it's not repeated.
  if (kind === undefined) throw new Usage('--password takes a reference', 'env:NAME or file:PATH')
  const value = kind === 'env' ? io.env[name] : readFileSync(resolve(io.cwd, name), 'utf8').replace(/\r?\n$/, '')
  if (value === undefined || value === '') {
    throw new Usage(`the password of ${reference} is ${value === undefined ? 'missing' : 'empty'}`, 'set it first')
  }
  return value
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}

function clientName(args: VerbArgs): string {
  const [name, more] = texts(args, 'name')
  if (name === undefined || more !== undefined) throw new Usage('--name is needed once', '--name bank')
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
    throw new Usage(
      `--name ${JSON.stringify(name)} can't be a file's name`,
      'letters, digits, "-", "_" and ".", at most 64',
    )
  }
  return name
}

function expectHostName(name: string): void {
  if (name.length > 253 || !/^(\*\.)?[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/i.test(name)) {
    throw new Usage(
      `${JSON.stringify(name)} is no host name`,
      'write it in ASCII without scheme and port: hooks.example.com',
    )
  }
}

function expectPositionals(args: VerbArgs, count: number, form: string): [string, ...string[]] {
  const rest = args.positionals.slice(1)
  if (rest.length !== count) throw new Usage(`${rest.length} file names where ${count} are needed`, `sallyport ${form}`)
  const [first = '', ...others] = rest
  return [first, ...others]
}

function text(args: VerbArgs, option: string): string | undefined {
  const value = args.values[option]
  return typeof value === 'string' && value !== '' ? value : undefined
}

function texts(args: VerbArgs, option: string): string[] {
  const value = args.values[option]
  return Array.isArray(value) ? value.filter(item => typeof item === 'string') : []
}

function required(args: VerbArgs, option: string): string {
  const value = text(args, option)
  if (value === undefined) throw new Usage(`--${option} is missing`, 'sallyport certs --help shows examples')
  return value
}

function day(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 10)
}

function tell(error: unknown, io: VerbIo): number {
  if (!(error instanceof Error)) throw error
  const fromSystem = 'code' in error && typeof error.code === 'string'
  const mend = 'mend' in error && typeof error.mend === 'string' ? error.mend : undefined
  if (mend === undefined && !fromSystem) throw error
  io.stderr.write(
    `sallyport certs: ${error.message}\nmend: ${mend ?? 'look at the path and who may read and write it'}\n`,
  )
  return error instanceof Usage ? 2 : 1
}
