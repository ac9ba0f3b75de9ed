import { z } from 'zod'
import { HOP_BY_HOP } from './hop-by-hop.ts'

/** Fields that the gate writes itself or that end at each hop; a route can't pass the sender's, and no credential is one. */
export const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'forwarded',
  'host',
  'http2-settings',
  'client-cert',
  'client-cert-chain',
  'proxy',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-real-ip',
  'x-request-id',
  'traceparent',
  'tracestate',
  'webhook-id',
  'webhook-timestamp',
  'webhook-signature',
])

/**
 * The name of a field that goes upstream (RFC 9110 section 5.1), and is none of those that the gate writes itself.
 *
 * @param as how to write it, for the message
 * @param allowed in lower case: one that may be named all the same
 */
export const fieldName = (as: string, allowed?: string) =>
  z
    .string()
    .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, `is no header name: write it as ${as}`)
    .refine(
      name => name.toLowerCase() === allowed || !isReserved(name),
      'is written by the gate itself, or ends at it: leave it out',
    )

function isReserved(name: string): boolean {
  // Servers behind CGI read both spellings as one.
  const lower = name.toLowerCase().replaceAll('_', '-')
  return RESERVED_HEADERS.has(lower) || lower.startsWith('sallyport-')
}
