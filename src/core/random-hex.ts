import { randomBytes } from 'node:crypto'
import { drawn } from './drawn.ts'

const digits = drawn(() => randomBytes(24 * 128).toString('hex'))

/** Random bytes as lower-case hex; 3,072 at most. */
export const randomHex = (bytes: number): string => digits(bytes * 2)
