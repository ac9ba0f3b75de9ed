import type { z } from 'zod'
import { visible } from '../config/problem.ts'
import { MESSAGE_ALGORITHMS } from '../signing/message-algorithm.ts'
import { componentList, keyid, label, tag } from '../signing/message-fields.ts'
import { DEFAULT_COMPONENTS, MESSAGE_SIGNATURE, messageSignatory } from '../signing/message-signatory.ts'
import type { Signatory } from '../signing/provider.ts'
import { namedProvider, neededText, textOf } from './arguments.ts'
import { VerbFault } from './fault.ts'
import type { VerbArgs } from './verb.ts'

/** Whom `send` stands in for. */
export const SIGNATORY_OPTIONS = {
  provider: { type: 'string', description: 'The service to sign as; "sallyport providers" lists them.' },
  scheme: {
    type: 'string',
    description: `In place of --provider: ${MESSAGE_SIGNATURE}, which signs after RFC 9421 with Content-Digest (RFC 9530).`,
  },
  algorithm: { type: 'string', description: `Of ${MESSAGE_SIGNATURE}: ${MESSAGE_ALGORITHMS.join(', ')}.` },
  'key-id': { type: 'string', description: 'Its keyid, by which the receiver finds the key. Default none.' },
  'key-form': { type: 'string', description: 'How its shared secret is written: text, hex or base64. Default text.' },
  components: {
    type: 'string',
    description: `What it covers, with a blank between two. Default '${DEFAULT_COMPONENTS.join(' ')}'.`,
  },
  label: { type: 'string', description: 'Its label. Default sig1.' },
  tag: { type: 'string', description: 'Its tag. Default none.' },
} as const

const WRITINGS = ['text', 'hex', 'base64'] as const
const OF_SCHEME = ['algorithm', 'key-id', 'key-form', 'components', 'label', 'tag'] as const

/** @throws VerbFault where it is neither one provider nor a scheme with all that it needs */
export function readSignatory(args: VerbArgs): Signatory {
  const scheme = textOf(args, 'scheme')
  if (scheme === undefined) {
    const stray = OF_SCHEME.find(option => textOf(args, option) !== undefined)
    if (stray !== undefined)
      throw new VerbFault(`--${stray} is for --scheme ${MESSAGE_SIGNATURE}`, 'leave it out, or --provider')
    return namedProvider(
      neededText(args, 'provider', `"sallyport providers" lists them; or write --scheme ${MESSAGE_SIGNATURE}`),
    )
  }
  if (textOf(args, 'provider') !== undefined)
    throw new VerbFault('--provider and --scheme exclude each other', 'leave one of them out')
  if (scheme !== MESSAGE_SIGNATURE)
    throw new VerbFault(`--scheme ${visible(scheme)} is not known`, `write --scheme ${MESSAGE_SIGNATURE}`)
  const list = `one of ${MESSAGE_ALGORITHMS.join(', ')}`
  const algorithm = oneOf(MESSAGE_ALGORITHMS, 'algorithm', neededText(args, 'algorithm', list))
  const writing = textOf(args, 'key-form')
  return messageSignatory({
    algorithm,
    components: valid(
      componentList,
      'components',
      (textOf(args, 'components') ?? DEFAULT_COMPONENTS.join(' ')).split(' ').filter(text => text !== ''),
    ),
    keyid: valid(keyid.optional(), 'key-id', textOf(args, 'key-id')),
    label: valid(label.optional(), 'label', textOf(args, 'label')),
    tag: valid(tag.optional(), 'tag', textOf(args, 'tag')),
    writing: writing === undefined ? undefined : oneOf(WRITINGS, 'key-form', writing),
  })
}

function oneOf<Choice extends string>(choices: readonly Choice[], option: string, text: string): Choice {
  const choice = choices.find(each => each === text)
  if (choice === undefined)
    throw new VerbFault(`--${option} ${visible(text)} is not known`, `one of ${choices.join(', ')}`)
  return choice
}

/** Held to the rules that the config is held to. */
function valid<Value>(schema: Pick<z.ZodType<Value>, 'safeParse'>, option: string, value: unknown): Value {
  const { success, data, error } = schema.safeParse(value)
  if (success) return data
  const [issue] = error.issues
  const at = issue?.path[0]
  const shown = typeof at === 'number' && Array.isArray(value) ? `: ${JSON.stringify(value[at])}` : ''
  throw new VerbFault(`--${option}${shown} ${issue?.message ?? ''}`, 'see docs/message-signatures.md')
}
