import { randomBytes } from 'node:crypto'
import { newCredentials, type Provider } from '../signing/provider.ts'
import { namedProvider, textOf } from './arguments.ts'
import { adminOptions } from './ask-admin.ts'
import { tellFault, VerbFault } from './fault.ts'
import { variableOf } from './providers-config.ts'
import { tellSecretStatus } from './secret-status.ts'
import { EXIT, type Verb, wrongUsage } from './verb.ts'

/** `new` prints a random secret and nothing else, so that it can go straight into a file or a variable. */
export const secret: Verb = {
  name: 'secret',
  summary:
    "Makes a new secret, or a private key, in a provider's form; or tells which secrets of a running gate are still used.",
  usage: 'new [--provider NAME] | status --config FILE [--json]',
  examples: [
    'sallyport secret new > hook.secret',
    'sallyport secret new --provider standard-webhooks',
    'sallyport secret status --config gate.yaml',
    'sallyport secret status --admin http://127.0.0.1:9090 --token env:ADMIN_TOKEN --json',
    'export GITHUB_SECRET="$(sallyport secret new --provider github)"',
  ],
  options: {
    provider: { type: 'string', description: 'The service whose form it takes; "sallyport providers" lists them.' },
    ...adminOptions,
    json: { type: 'boolean', description: 'status: print JSON.' },
  },
  apart: [['config', 'admin']],
  actions: { new: ['provider'], status: ['config', 'admin', 'token', 'json'] },
  async run(args, io) {
    const [action, ...rest] = args.positionals
    if ((action !== 'new' && action !== 'status') || rest.length > 0)
      return wrongUsage(
        io,
        secret,
        action === undefined ? 'what to do is missing: new or status' : 'it does "new" and "status" and nothing else',
      )
    try {
      if (action === 'status') {
        await tellSecretStatus(args, io)
        return EXIT.ok
      }
      const name = textOf(args, 'provider')
      const provider = name === undefined ? undefined : namedProvider(name)
      // A file must not end with a line feed, which would be part of the secret.
      const end = io.stdout.isTTY === true ? '\n' : ''
      const made = make(provider)
      io.stdout.write(`${made.held}${end}`)
      io.stderr.write(made.hint)
      return EXIT.ok
    } catch (error) {
      return tellFault(io, 'secret', error)
    }
  },
}

/** What goes to stdout, and what to do with it. */
function make(provider: Provider | undefined): { readonly held: string; readonly hint: string } {
  if (!provider) return { held: randomBytes(32).toString('base64url'), hint: here('HOOK_SECRET') }
  const made = newCredentials(provider)
  if (made === undefined)
    throw new VerbFault(
      `${provider.name} has no secret, and no key of yours`,
      `"sallyport providers ${provider.id}" tells what it has`,
    )
  return { held: made.held, hint: hintOf(provider, made.given) }
}

function hintOf(provider: Provider, given: string): string {
  const { name, secret: form, publicKey } = provider
  if (form)
    return form.madeBy === 'operator'
      ? `${here(variableOf(provider))}${name}: give it the same value. ${form.where}\n`
      : `${here(variableOf(provider))}${name}: the sender makes its own secret (${form.where}) This one is for tests, where "sallyport send" is the sender.\n`
  const use =
    publicKey?.madeBy === 'operator'
      ? `this is the private key: give it to the sender alone. ${publicKey.where}`
      : `the sender makes its own pair of keys (${publicKey?.where}) This private key is for tests, where "sallyport send" is the sender.`
  return `${name}: ${use}\ngate: it takes the public key, { env: ${variableOf(provider)} } or { file: PATH } under keys:\n${given}\n`
}

const here = (variable: string): string =>
  `gate: put it into an environment variable or a file that only the gate reads, and name that: { env: ${variable} } or { file: PATH }\n`
