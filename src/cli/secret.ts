import { randomBytes } from 'node:crypto'
import type { Provider } from '../signing/provider.ts'
import { namedProvider, textOf } from './arguments.ts'
import { adminOptions } from './ask-admin.ts'
import { tellFault } from './fault.ts'
import { variableOf } from './providers-config.ts'
import { tellSecretStatus } from './secret-status.ts'
import { EXIT, type Verb, wrongUsage } from './verb.ts'

/** `new` prints a random secret and nothing else, so that it can go straight into a file or a variable. */
export const secret: Verb = {
  name: 'secret',
  summary: "Makes a new secret, in a provider's form; or tells which secrets of a running gate are still used.",
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
      io.stdout.write(`${provider?.secret.create() ?? randomBytes(32).toString('base64url')}${end}`)
      io.stderr.write(hint(provider))
      return EXIT.ok
    } catch (error) {
      return tellFault(io, 'secret', error)
    }
  },
}

function hint(provider: Provider | undefined): string {
  const here = `gate: put it into an environment variable or a file that only the gate reads, and name that: { env: ${provider ? variableOf(provider) : 'HOOK_SECRET'} } or { file: PATH }\n`
  if (!provider) return here
  const { name, secret: form } = provider
  return form.madeBy === 'operator'
    ? `${here}${name}: give it the same value. ${form.where}\n`
    : `${here}${name}: the sender makes its own secret (${form.where}) This one is for tests, where "sallyport send" is the sender.\n`
}
