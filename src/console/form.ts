import type { IncomingMessage } from 'node:http'
import type { AdminCode } from './refusal.ts'

/** Bytes of a form at most: a token. */
const MOST = 4096
const FORMS: ReadonlySet<string> = new Set(['/login', '/logout'])

/** Whether the page's own forms are sent there. */
export const isForm = (path: string): boolean => FORMS.has(path)

/** Why a form is refused before it is read. That it comes from this very origin is for the guard to say. */
export function unfitForm({ method, headers }: IncomingMessage): AdminCode | undefined {
  if (method !== 'POST') return 'admin.form'
  if (!/^application\/x-www-form-urlencoded(?:;|$)/i.test(headers['content-type'] ?? '')) return 'admin.form'
  if (headers['transfer-encoding'] !== undefined) return 'admin.body'
  return Number(headers['content-length'] ?? 0) <= MOST ? undefined : 'admin.body'
}

/** Reads a form that `unfitForm` found fit; its length is announced and bounded. @throws where the connection ends. */
export async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  let text = ''
  request.setEncoding('utf8')
  for await (const chunk of request) text += String(chunk)
  return new URLSearchParams(text)
}
