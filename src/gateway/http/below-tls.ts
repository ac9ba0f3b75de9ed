import { Socket } from 'node:net'
import { lastAnswer } from './answer-head.ts'

/**
 * Answers in plain HTTP a client that speaks it to a TLS socket, whose handshake failed for it.
 * @param text one byte a character
 * @returns whether it could
 */
export function answerBelowTls(socket: Socket, status: number, fields: readonly string[], text: string): boolean {
  // Node has no documented way to the socket that TLS is spoken over. Without it the client is only closed.
  const below: unknown = Reflect.get(socket, '_parent')
  if (!(below instanceof Socket) || !below.writable) return false
  below.end(lastAnswer(status, fields, text), 'latin1')
  return true
}
