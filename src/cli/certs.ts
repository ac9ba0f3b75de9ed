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

const ACTIONS: Readonly<Record<string, Action>> = { init, client, sign, renew, revoke, p12, show }

export const certs: Verb = {
  name: 'certs',
  summary: 'Makes, signs, renews, revokes, bundles and shows certificates.',
  usage: 'init | client | sign CSRFILE | renew CERTFILE | revoke CERTFILE | p12 | show FILE',
  examples: [
    'sallyport certs init --dir certs --name hooks.example.com',
    'sallyport certs client --dir certs --name bank --dns hooks.bank.example --out certs/bank',
    'sallyport certs sign --dir certs --out certs/partner.crt partner.csr',
    'sallyport certs renew --dir certs certs/bank.crt',
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
    dns: { type: 'string', multiple: true, description: 'client, sign: a DNS name.' },
    uri: { type: 'string', multiple: true, description: 'client, sign: a URI, e.g. spiffe://bank.example/webhooks.' },
    email: { type: 'string', multiple: true, description: 'client, sign: an e-mail address.' },
    out: {
      type: 'string',
      description: 'client: path of the two files without .crt and .key. sign: the certificate. p12: the bundle.',
    },
    for: { type: 'string', description: 'sign: client or server. Default client.' },
    rsa: { type: 'boolean', description: 'init, client, renew: new keys are RSA with 3072 bits, not ECDSA P-256.' },
    'new-key': {
      type: 'boolean',
      description: 'renew: with a new key beside the certificate; pins on the old one end.',
    },
    password: { type: 'string', description: 'p12, show: the password, env:NAME or file:PATH.' },
    force: { type: 'boolean', description: 'Replaces what is there.' },
  },
  actions: {
    init: ['dir', 'name', 'rsa', 'force'],
    client: ['dir', 'name', 'dns', 'uri', 'email', 'out', 'rsa', 'force'],
    sign: ['dir', 'dns', 'uri', 'email', 'out', 'for', 'force'],
    renew: ['dir', 'rsa', 'new-key'],
    revoke: ['dir'],
    p12: ['dir', 'name', 'out', 'password', 'force'],
    show: ['password'],
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
    key: keyKind(args),
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
  const names = clientNames(args)
  if (names.dns.length + names.uris.length + names.emails.length === 0) {
    throw new Usage('the certificate would have no name to allow', 'give it one with --dns, --uri or --email')
  }
  const base = text(args, 'out')?.replace(/\.crt$/, '') ?? join(dir, name)
  const { addClient } = await import('../tls/directory.ts')
  const request = { commonName: name, names, now: Date.now(), key: keyKind(args) }
  await addClient(resolve(io.cwd, dir), resolve(io.cwd, base), request, args.values.force === true)
  io.stdout.write(`made     ${base}.crt and ${base}.key, signed by ${join(dir, 'clients-ca.crt')}\n`)
  return 0
}

async function sign(args: VerbArgs, io: VerbIo): Promise<number> {
  const [file] = expectPositionals(args, 1, 'certs sign --dir DIR --out CERTFILE CSRFILE')
  const [dir, out] = [required(args, 'dir'), required(args, 'out')]
  const use = text(args, 'for') ?? 'client'
  if (use !== 'client' && use !== 'server') throw new Usage(`--for ${use} is no use`, '--for client, or --for server')
  const given = clientNames(args)
  const none = given.dns.length + given.uris.length + given.emails.length === 0
  const { signRequest } = await import('../tls/renew.ts')
  const names = await signRequest(resolve(io.cwd, dir), {
    file: resolve(io.cwd, file),
    out: resolve(io.cwd, out),
    use,
    names: none ? undefined : given,
    force: args.values.force === true,
    now: Date.now(),
  })
  const all = Object.values(names).flat().join(', ')
  const ca = join(dir, use === 'client' ? 'clients-ca.crt' : 'ca.crt')
  io.stdout.write(`made     ${out} for ${all}, a ${use}'s, signed by ${ca}\n`)
  return 0
}

async function renew(args: VerbArgs, io: VerbIo): Promise<number> {
  const [file] = expectPositionals(args, 1, 'certs renew --dir DIR CERTFILE')
  const dir = required(args, 'dir')
  const { renewCertificate } = await import('../tls/renew.ts')
  const newKey = args.values['new-key'] === true ? (keyKind(args) ?? 'ecdsa') : undefined
  if (newKey === undefined && args.values.rsa === true)
    throw new Usage('--rsa would change the key, which stays', 'add --new-key')
  await renewCertificate(resolve(io.cwd, dir), resolve(io.cwd, file), { newKey, now: Date.now() })
  io.stdout.write(`renewed  ${file} with ${newKey === undefined ? 'the same' : 'a new'} key\n`)
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
  const { describeFile } = await import('../tls/describe.ts')
  const besidePath = file.replace(/\.[^./]+$/, file.endsWith('.key') ? '.crt' : '.key')
  const beside = besidePath === file ? undefined : readIfThere(resolve(io.cwd, besidePath))
  const reference = text(args, 'password')
  const described = await describeFile(
    { path: file, bytes: readFileSync(resolve(io.cwd, file)) },
    beside && { path: besidePath, bytes: beside },
    reference === undefined ? undefined : readPassword(reference, io),
    Date.now(),
  )
  described.parts.forEach((part, index) => {
    io.stdout.write(`${file}, ${index + 1} of ${described.parts.length}\n`)
    for (const [label, value] of part) {
      io.stdout.write(`  ${label.padEnd(12)} ${value.replaceAll('\n', `\n${' '.repeat(15)}`)}\n`)
    }
  })
  for (const note of described.notes) io.stdout.write(`${note}\n`)
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

const keyKind = (args: VerbArgs): 'rsa' | undefined => (args.values.rsa === true ? 'rsa' : undefined)

/** The names of the options, each looked at. */
function clientNames(args: VerbArgs): { dns: string[]; uris: string[]; emails: string[] } {
  const names = { dns: texts(args, 'dns'), uris: texts(args, 'uri'), emails: texts(args, 'email') }
  names.dns.forEach(expectHostName)
  for (const uri of names.uris) {
    if (!/^[\x21-\x7e]+$/.test(uri) || !URL.canParse(uri))
      throw new Usage(`--uri ${uri} is no URI`, 'write it whole: spiffe://...')
  }
  for (const email of names.emails) {
    if (!/^[\x21-\x3f\x41-\x7e]+@[\x21-\x3f\x41-\x7e]+$/.test(email))
      throw new Usage(`--email ${email} is no address`, 'write name@host')
  }
  return names
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
