import { accessSync, constants, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { isPlainObject } from '../../core/plain-object.ts'
import { pipeError } from '../../core/read-file.ts'
import { SecretRef } from '../../core/secret.ts'
import { error, type Path, warning } from '../fault.ts'
import { whyUnreadable } from '../secrets.ts'
import { isVariableName, looksLikeSecret } from '../variable-name.ts'
import { labelOf } from '../words.ts'
import type { DraftFile, Rule, RuleContext } from './context.ts'

/** Every secret that the file refers to: is it there, and can it be what was meant? */
export const secretsResolve: Rule = function* (file, context) {
  for (const { value, path } of leavesOf(file).secrets) {
    if (!hasGoodName(value, context.env)) continue
    const { problem, doubt } = context.secret(value)
    const owner = yamlPath(path, context)
    const at = context.at([...owner, value.kind]) === undefined ? owner : [...owner, value.kind]
    if (problem?.kind === 'malformed') yield error(at, problem.message, problem.mend)
    else if (problem && path[0] === 'listeners')
      yield error(at, `${String(owner.at(-1))}: ${problem.message}, and without it nothing can listen`, problem.mend)
    else if (doubt) yield warning(at, doubt.message, doubt.mend)
    else if (problem) yield warning(at, `${offline(at, context)}: ${problem.message}`, problem.mend)
  }
}

const hasGoodName = (ref: SecretRef, env: NodeJS.ProcessEnv): boolean =>
  ref.kind === 'file' || (isVariableName(ref.name) && !isSecretItself(ref.name, env))

/** What is set is a name, however it looks. */
const isSecretItself = (name: string, env: NodeJS.ProcessEnv): boolean =>
  env[name] === undefined && looksLikeSecret(name)

export const variableNames: Rule = function* (file, context) {
  for (const { value, path } of leavesOf(file).secrets) {
    if (hasGoodName(value, context.env)) continue
    const at = [...yamlPath(path, context), 'env']
    if (isVariableName(value.name))
      yield error(
        at,
        'env: this looks like the secret itself, not like the name of the variable that holds it (not shown)',
        'put it into an environment variable and write its name, e.g. { env: HOOK_SECRET }; then make a new one, as this one has been written down',
      )
    else
      yield error(
        at,
        'env: this is no name of an environment variable (not shown, as it may be the secret itself)',
        'write the name of the variable that holds the secret, e.g. { env: HOOK_SECRET }',
      )
  }
}

export const nothingExpired: Rule = function* (file, context) {
  for (const { value, path } of leavesOf(file).ends) {
    if (value >= context.now) continue
    const at = yamlPath(path, context)
    yield warning(
      at,
      `expires: it ended on ${new Date(value).toISOString().slice(0, 10)}, so nothing is let in by it`,
      'take it out, or put the new one in its place',
    )
  }
}

export const filesExist: Rule = function* (file, context) {
  for (const [index, listener] of (file.listeners ?? []).entries()) {
    const path: Path = ['listeners', index, 'tls']
    for (const at of (listener?.tls?.certificates ?? []).keys())
      for (const key of ['cert', 'key', 'pkcs12', 'staple'] as const)
        for (const [name, place] of namesAt([...path, 'certificates', at, key], context)) {
          const fault = unreadable(name, context)
          if (!fault) continue
          if (key === 'staple')
            yield warning(place, `staple: ${fault.message}, and until then the certificate goes out alone`, fault.mend)
          else yield error(place, `${key}: ${fault.message}, and without it nothing can listen`, fault.mend)
        }
    for (const [name, at] of namesAt([...path, 'acme', 'ca'], context)) {
      const fault = unreadable(name, context)
      if (fault) yield error(at, `ca: ${fault.message}, and without it the CA can not be verified`, fault.mend)
    }
    const carried: Path = ['listeners', index, 'proxy-client-cert', 'client-ca']
    for (const [name, at] of namesAt(carried, context)) {
      const fault = unreadable(name, context)
      if (fault) yield error(at, `client-ca: ${fault.message}, and without it no certificate can be judged`, fault.mend)
    }
    for (const [name, at] of namesAt([...path, 'client-ca'], context)) {
      const fault = unreadable(name, context)
      if (fault) yield error(at, `client-ca: ${fault.message}, and without it nothing can listen`, fault.mend)
    }
    for (const [name, at] of namesAt([...path, 'client-crl'], context)) {
      const fault = unreadable(name, context)
      if (fault === undefined || isReadableFolder(name, context)) continue
      yield warning(
        at,
        `client-crl: ${fault.message}; until then every client certificate on ${labelOf(['listeners', index], context)} is refused`,
        fault.mend,
      )
    }
  }
  for (const { value, path } of leavesOf(file).files) {
    const fault = unreadable(value, context)
    const at = yamlPath(path, context)
    if (fault) yield warning(at, `${offline(at, context)}: ${fault.message}`, fault.mend)
  }
}

/** The text at a path, or the texts of the list that stands there, each with its own path. */
function namesAt(path: Path, context: RuleContext): [name: string, at: Path][] {
  const value = context.at(path)
  const all: [unknown, Path][] = Array.isArray(value)
    ? value.map((each, index) => [each, [...path, index]])
    : [[value, path]]
  return all.flatMap(([name, at]): [string, Path][] => (typeof name === 'string' ? [[name, at]] : []))
}

function isReadableFolder(name: string, { folder }: RuleContext): boolean {
  try {
    const path = resolve(folder, name)
    accessSync(path, constants.R_OK)
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

const TLS_FILES: ReadonlySet<unknown> = new Set(['cert', 'key', 'pkcs12', 'ca'])

/** Whether the text at a path is a file's name, of a route: by its key, `file` or `...-file`, or inside forward.tls. */
function namesFile(path: Path): boolean {
  if (path[0] !== 'routes') return false
  const key = path.at(-1)
  if (path[2] === 'forward' && path[3] === 'tls' && TLS_FILES.has(key)) return true
  return key === 'file' || (typeof key === 'string' && key.endsWith('-file'))
}

function unreadable(name: string | undefined, context: RuleContext): { message: string; mend: string } | undefined {
  if (name === undefined || name === '') return undefined
  const path = resolve(context.folder, name)
  context.note(path)
  try {
    accessSync(path, constants.R_OK)
    const file = statSync(path)
    if (file.isFIFO()) return whyUnreadable(name, pipeError(name))
    return file.isDirectory() ? whyUnreadable(name, Object.assign(new Error(), { code: 'EISDIR' })) : undefined
  } catch (cause) {
    return whyUnreadable(name, cause)
  }
}

function offline(path: Path, context: RuleContext): string {
  if (path[2] === 'checks' && context.at([...path.slice(0, 4), 'mode']) === 'report')
    return `this check of ${labelOf(path.slice(0, 2), context)} will report nothing`
  if (path[0] === 'routes') return `${labelOf(path.slice(0, 2), context)} will be offline (503)`
  if (path[0] === 'alerts') return `${labelOf(path.slice(0, 3), context)} will tell nobody`
  if (path[0] === 'telemetry') return 'no telemetry will be sent'
  return 'the admin listener will refuse every request that needs its token'
}

/** A parsed value may stand deeper than what was written: the deepest part of the path that the YAML has. */
function yamlPath(path: Path, context: RuleContext): Path {
  let length = path.length
  while (length > 0 && context.at(path.slice(0, length)) === undefined) length--
  return path.slice(0, length)
}

interface Leaf<Value> {
  readonly value: Value
  readonly path: Path
}

/** What stands somewhere in the file and is looked at by rules wherever that is. */
interface Leaves {
  readonly secrets: Leaf<SecretRef>[]
  /** Each `expires`: epoch milliseconds. */
  readonly ends: Leaf<number>[]
  /** The names of files of routes. */
  readonly files: Leaf<string>[]
}

const walked = new WeakMap<DraftFile, Leaves>()

/** Several rules ask for them; the file is walked once. */
function leavesOf(file: DraftFile): Leaves {
  const before = walked.get(file)
  if (before !== undefined) return before
  const leaves: Leaves = { secrets: [], ends: [], files: [] }
  collect(file, [], leaves)
  walked.set(file, leaves)
  return leaves
}

/** @param path of the value; as it was again on return. Most values are none of the leaves, and need no path of their own. */
function collect(value: unknown, path: (string | number)[], leaves: Leaves): void {
  if (typeof value === 'string') {
    if (namesFile(path)) leaves.files.push({ value, path: [...path] })
  } else if (typeof value === 'number') {
    if (path.at(-1) === 'expires') leaves.ends.push({ value, path: [...path] })
  } else if (value instanceof SecretRef) leaves.secrets.push({ value, path: [...path] })
  else if (Array.isArray(value))
    for (let index = 0; index < value.length; index++) inside(index, value[index], path, leaves)
  else if (isPlainObject(value) && !isInlineSchema(path))
    for (const key of Object.keys(value)) inside(key, value[key], path, leaves)
}

function inside(step: string | number, value: unknown, path: (string | number)[], leaves: Leaves): void {
  path.push(step)
  collect(value, path, leaves)
  path.pop()
}

/** A payload schema has keys of its own, `file` among them. */
const isInlineSchema = (path: Path): boolean => path.at(-1) === 'inline'
