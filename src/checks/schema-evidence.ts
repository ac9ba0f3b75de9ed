import type { ErrorObject } from 'ajv'
import type { Evidence } from '../core/decision.ts'
import { isOneStepAway } from '../core/one-step-away.ts'

const LONGEST = 200
const MOST_NAMES = 1000

/**
 * What is wrong with a body, without any value of it: where, by which keyword, and for a missing property the one that
 * is there under nearly the same name.
 */
export function evidenceOf(errors: readonly ErrorObject[] | null | undefined, body: unknown): Evidence {
  const last = errors?.at(-1)
  // What follows `if` is found first and summed up last; of anyOf and oneOf the sum is what is true.
  const error = last?.keyword === 'if' ? errors?.[0] : last
  if (!error) return {}
  const steps = stepsOf(error.instancePath)
  const { keyword } = error
  const { missingProperty: missing, additionalProperty, unevaluatedProperty }: Record<string, unknown> = error.params
  if (keyword === 'required' && typeof missing === 'string') {
    const path = pathOf([...steps, missing])
    const found = nearNameIn(steps, missing, body)
    if (found === undefined) return { path, keyword, message: `${path} is missing` }
    const near = pathOf([...steps, found])
    return { path, keyword, message: `${path} is missing; ${near} is there`, near }
  }
  const unwanted = additionalProperty ?? unevaluatedProperty
  if (typeof unwanted === 'string') steps.push(unwanted)
  return { path: pathOf(steps), keyword, message: clip(error.message ?? 'is not valid') }
}

/** A JSON Pointer's steps (RFC 6901). */
function stepsOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map(step => step.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function pathOf(steps: readonly string[]): string {
  let path = ''
  for (const step of steps) path += /^\d+$/.test(step) ? `[${step}]` : path === '' ? step : `.${step}`
  return path === '' ? '$' : clip(path)
}

function nearNameIn(steps: readonly string[], wanted: string, body: unknown): string | undefined {
  let at: unknown = body
  for (const step of steps) {
    if (typeof at !== 'object' || at === null) return undefined
    at = Object.getOwnPropertyDescriptor(at, step)?.value
  }
  if (typeof at !== 'object' || at === null) return undefined
  const names = Object.keys(at).slice(0, MOST_NAMES)
  return names.find(name => plain(name) === plain(wanted)) ?? names.find(name => isOneStepAway(name, wanted))
}

/** `user_id`, `user-id` and `userId` are one name to a person. */
const plain = (name: string): string => clip(name).toLowerCase().replace(/[-_ ]/g, '')

const clip = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text)
