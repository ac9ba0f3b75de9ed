import { z } from 'zod'

/** A field's name as a sender writes it (RFC 9110 section 5.1). */
export const headerName = z
  .string()
  .regex(
    /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/,
    'is no header name: write it as the sender does, without blanks, e.g. X-Signature',
  )
