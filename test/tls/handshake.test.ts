import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { explainHandshake, type HandshakeFailure } from '../../src/tls/handshake.ts'
import { craft, openssl, run, SERVER_AUTH, temporaryFolder } from './craft.ts'
import { type Gate, openGate } from './gate.ts'

const folder = temporaryFolder()
const failures: HandshakeFailure[] = []
let gate: Gate

beforeAll(async () => {
  const server = await craft({ subject: 'CN=gate', usage: [SERVER_AUTH], dns: ['localhost'] })
  const cert = folder.write('server.crt', server.certificate)
  gate = await openGate({ certificates: [{ cert, key: folder.write('server.key', server.key) }] })
  gate.server.on('tlsClientError', error => failures.push(explainHandshake(error)))
})
afterAll(async () => {
  await gate[Symbol.asyncDispose]()
  folder[Symbol.dispose]()
})

const client = (...args: string[]) => openssl(['s_client', '-connect', `127.0.0.1:${gate.port}`, ...args])

function plain(bytes: string): Promise<void> {
  return new Promise(resolve => {
    const socket = connect(gate.port, '127.0.0.1', () => socket.end(bytes))
    socket.on('error', () => {}).on('close', () => resolve())
    socket.resume()
  })
}

describe('a failed handshake', () => {
  it.each<[string, () => Promise<unknown>, string, RegExp]>([
    [
      'of an old client',
      () => client('-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'),
      'ERR_SSL_UNSUPPORTED_PROTOCOL',
      /TLS versions/,
    ],
    [
      'without a common suite',
      () => client('-tls1_2', '-cipher', 'AES128-SHA'),
      'ERR_SSL_NO_SHARED_CIPHER',
      /cipher suite/,
    ],
    [
      'without a common group',
      () => client('-tls1_3', '-groups', 'secp521r1'),
      'ERR_SSL_NO_SUITABLE_KEY_SHARE',
      /group/,
    ],
    ['for HTTP/2 alone', () => client('-alpn', 'h2'), 'ERR_SSL_NO_APPLICATION_PROTOCOL', /http\/1\.1/],
    [
      'of a client that distrusts us',
      () => run('curl', ['-s', `https://localhost:${gate.port}/`]),
      'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
      /does not trust/,
    ],
    [
      'in something else',
      () => plain('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n'),
      'ERR_SSL_WRONG_VERSION_NUMBER',
      /is not TLS/,
    ],
    ['of somebody who only knocks', () => plain(''), 'ECONNRESET', /hung up/],
  ])('%s is put into a sentence', async (_, attempt, code, message) => {
    failures.length = 0
    await attempt()
    await expect.poll(() => failures.at(-1)?.code).toBe(code)
    expect(failures.at(-1)?.message).toMatch(message)
    expect(failures.at(-1)?.mend).toBeTruthy()
  })

  it('that nobody foresaw keeps its reason', () => {
    const error = Object.assign(new Error('x'), { code: 'ERR_SSL_ODD', reason: 'odd thing' })
    expect(explainHandshake(error)).toEqual({
      code: 'ERR_SSL_ODD',
      message: 'the handshake failed: odd thing',
      mend: undefined,
    })
  })
})
