import { resolve } from 'node:path'
import { isPlaceholder } from '../core/placeholder.ts'
import { IS_PIPE, readNamedFile } from '../core/read-file.ts'
import { Secret, type SecretRef } from '../core/secret.ts'
import { characterAt, describeCharacter, indexOfHidden } from './characters.ts'

/** Why a secret can't be used. Its texts never hold the value. */
export interface SecretProblem {
  /** `missing`: not there, unreadable or empty; `malformed`: there, but it can't be what was meant. */
  readonly kind: 'missing' | 'malformed'
  readonly message: string
  readonly mend: string
}

export interface ResolvedSecret {
  readonly secret?: Secret
  readonly problem?: SecretProblem
  /** What it is used with, and looks wrong. */
  readonly doubt?: Omit<SecretProblem, 'kind'>
}

const LARGEST = 64 * 1024
const QUOTES = /[\u2018-\u201f\u2039\u203a\u00ab\u00bb]/

/**
 * Finds a secret's value and checks it character by character; nothing is trimmed or repaired.
 * @param baseDir absolute; what `file:` paths are relative to.
 * @param beside the same in words, for a mend
 * @returns the secret, or the problem; never both, and it does not throw.
 */
export function resolveSecret(
  ref: SecretRef,
  env: NodeJS.ProcessEnv,
  baseDir: string,
  beside?: string,
): ResolvedSecret {
  const bytes = ref.kind === 'env' ? fromEnv(ref.name, env) : fromFile(ref.name, baseDir, beside)
  if (!Buffer.isBuffer(bytes)) return { problem: bytes }
  const fault = faultIn(bytes, ref)
  if (fault) return { problem: { kind: 'malformed', ...fault } }
  const doubt = isQuoted(bytes) ? quoted(ref) : isPlaceholder(bytes.toString('utf8')) ? placeholder(ref) : undefined
  return { secret: new Secret(bytes), ...(doubt && { doubt }) }
}

/**
 * `resolveSecret` for one reading of a config: each variable of the environment is looked at once.
 * @param note is told the absolute path of each file that is about to be read
 */
export function secretReader(
  env: NodeJS.ProcessEnv,
  baseDir: string,
  note: (file: string) => void,
): (ref: SecretRef) => ResolvedSecret {
  const known = new Map<string, ResolvedSecret>()
  return ref => {
    if (ref.kind === 'file') note(resolve(baseDir, ref.name))
    const before = ref.kind === 'env' ? known.get(ref.name) : undefined
    if (before !== undefined) return before
    const resolved = resolveSecret(ref, env, baseDir)
    if (ref.kind === 'env') known.set(ref.name, resolved)
    return resolved
  }
}

/** Both ends are one quotation mark of ASCII, which might be meant: what both sides hold works. */
const isQuoted = (bytes: Buffer): boolean => /^(["'`])[\s\S]*\1$/.test(bytes.toString('utf8')) && bytes.length > 2

const placeholder = (ref: SecretRef): NonNullable<ResolvedSecret['doubt']> => ({
  message: `${ref} holds a placeholder that was not filled in, and whoever guesses it can send`,
  mend: 'put the service\'s own secret there; where you choose it, "sallyport secret new" makes one',
})

const quoted = (ref: SecretRef): NonNullable<ResolvedSecret['doubt']> => ({
  message: `${ref} begins and ends with a quotation mark, which is part of the secret`,
  mend: 'write it without the marks, where the sender has none: docker --env-file and systemd keep them',
})

function fromEnv(name: string, env: NodeJS.ProcessEnv): Buffer | SecretProblem {
  const value = env[name]
  if (value === undefined)
    return { kind: 'missing', message: `the environment variable ${name} is not set`, mend: `set ${name}` }
  if (value === '')
    return { kind: 'missing', message: `the environment variable ${name} is empty`, mend: `set ${name}` }
  return Buffer.from(value)
}

function fromFile(path: string, baseDir: string, beside?: string): Buffer | SecretProblem {
  try {
    const bytes = readNamedFile(resolve(baseDir, path))
    if (bytes.length > 0) return bytes
    return { kind: 'missing', message: `the file ${path} is empty`, mend: `write the secret into ${path}` }
  } catch (cause) {
    return { kind: 'missing', ...whyUnreadable(path, cause, beside) }
  }
}

/**
 * A file that could not be read, as sentence and mend.
 * @param beside what its path is relative to
 */
export function whyUnreadable(path: string, cause: unknown, beside = 'this config'): { message: string; mend: string } {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
  if (code === 'ENOENT')
    return { message: `there is no file ${path}`, mend: `make ${path}, or write its path relative to ${beside}` }
  if (code === 'EACCES' || code === 'EPERM')
    return { message: `the file ${path} may not be read by this user`, mend: `let the gate's user read ${path}` }
  if (code === IS_PIPE)
    return {
      message: `${path} is a pipe, which is not read: the gate would wait for who writes to it`,
      mend: 'write what it gives into a file, and name that',
    }
  if (code === 'EISDIR') return { message: `${path} is a folder`, mend: 'name the file inside it' }
  return { message: `the file ${path} can not be read (${code})`, mend: `check ${path}` }
}

function faultIn(bytes: Buffer, ref: SecretRef): { message: string; mend: string } | undefined {
  if (bytes.length > LARGEST)
    return { message: `${ref} is larger than ${LARGEST / 1024} KiB, which no secret is`, mend: 'name the right file' }
  const text = bytes.toString('utf8')
  if (Buffer.compare(Buffer.from(text), bytes) !== 0)
    return { message: `${ref} is no UTF-8 text`, mend: 'write it as text, e.g. in base64 where the scheme says so' }
  // PEM is made of lines, and every reader of it knows their ends.
  if (/^-----BEGIN [A-Z0-9 ]+-----\r?\n[A-Za-z0-9+/=\r\n]+-----END [A-Z0-9 ]+-----[\r\n]*$/.test(text)) return undefined
  // So is a JWK, whose blanks mean nothing.
  if (isJsonObject(text)) return undefined
  const blank = text.search(/[ \t\r\n]/)
  const hidden = indexOfHidden(text)
  const at = blank < 0 ? hidden : hidden < 0 ? blank : Math.min(blank, hidden)
  if (at >= 0) return blankFault(text, at, ref)
  if (/^bearer(?![A-Za-z0-9])/i.test(text))
    return {
      message: `${ref} begins with "Bearer"`,
      mend: 'write the token alone: "Bearer " is added and taken off by the gate',
    }
  const quote = text.search(QUOTES)
  if (quote >= 0)
    return {
      message: `${ref} holds ${describeCharacter(text.charAt(quote))} as ${where(text, quote)}`,
      mend: 'copy the secret again from where it was made: an editor has put typographic quotes into it',
    }
  return undefined
}

function isJsonObject(text: string): boolean {
  if (!text.startsWith('{')) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function blankFault(text: string, at: number, ref: SecretRef): { message: string; mend: string } {
  if (/^bearer[ \t]/i.test(text))
    return {
      message: `${ref} begins with "Bearer "`,
      mend: 'write the token alone: "Bearer " is added and taken off by the gate',
    }
  const char = characterAt(text, at)
  const message = `${ref} holds ${describeCharacter(char)} as ${where(text, at)}`
  if ((char === '\n' || char === '\r') && text.slice(at).trim() === '')
    return { message, mend: `write it without a line end: printf %s "$VALUE" > file, instead of echo` }
  if (char === '\n' || char === '\r') return { message, mend: 'write the secret alone, on one line without an end' }
  if (char === ' ' || char === '\t') return { message, mend: 'write it without blanks: printf %s "$VALUE"' }
  return { message, mend: 'copy the secret again from where it was made, without formatting' }
}

function where(text: string, at: number): string {
  const all = [...text].length
  const index = [...text.slice(0, at)].length + 1
  if (index === all) return 'its last character'
  return index === 1 ? 'its first character' : `character ${index} of ${all}`
}
