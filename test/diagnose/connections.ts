import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { speak } from '../support/client.ts'
import { makeCertificates } from '../support/gate.ts'
import { openssl } from '../tls/craft.ts'
import { gateFamily, type Place, type Request, type Spoken } from './gate-family.ts'

/** A client of TLS that may not get as far as a request. */
const shake = (place: Place, options: ConnectionOptions): Promise<void> =>
  new Promise(resolve => {
    const socket = connectTls({ port: place.port('tls'), host: '127.0.0.1', servername: 'localhost', ...options })
    socket.on('error', () => undefined)
    socket.on('secureConnect', () => socket.end())
    socket.on('close', () => resolve())
  })
const handshake = (what: string, says: RegExp, options: (place: Place) => ConnectionOptions): Request => ({
  what,
  cause: 'request.handshake-failed',
  says,
  send: (place): Spoken => ({ code: 'request.handshake', speak: () => shake(place, options(place)) }),
})
const said = (what: string, cause: string, says: RegExp, listener: string, code: string, text: string): Request => ({
  what,
  cause,
  says,
  send: (place): Spoken => ({
    code,
    speak: () => speak(place.port(listener), socket => void socket.write(text), 3000),
  }),
})
const HEAD = 'POST /kb HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
const ours = ({ folder }: Place): Buffer => readFileSync(join(folder, 'certs/ca.crt'))

/** What never becomes a request: handshakes, PROXY headers, HTTP written by hand. */
export const connections = gateFamily({
  name: 'connections',
  env: { KB: 'kb-1f8e3d6c9b2a47508d7e' },
  listeners: 3,
  prepare: folder => makeCertificates(join(folder, 'certs')),
  config: `
listeners:
  - { name: public, bind: "127.0.0.1:0" }
  - { name: tls, bind: "127.0.0.1:0", tls: { certificates: [{ cert: certs/server.crt, key: certs/server.key }] } }
  - { name: proxied, bind: "127.0.0.1:0", proxy-protocol: { from: [127.0.0.1] } }
routes:
  - { name: kb, match: { path: /kb }, checks: [{ bearer: { tokens: [{ name: kb, env: KB }] } }], forward: { to: UPSTREAM/in } }
`,
  requests: [
    ...(['-tls1_2', '-tls1_3'] as const).map(
      (version): Request => ({
        what: `a sender that does not trust the gate's certificate, ${version}`,
        cause: 'request.handshake-failed',
        says: /does not trust our certificate/,
        send: (place): Spoken => ({
          code: 'request.handshake',
          speak: () =>
            openssl([
              's_client',
              '-connect',
              `127.0.0.1:${place.port('tls')}`,
              '-CAfile',
              join(place.folder, 'certs/clients-ca.crt'),
              '-verify_return_error',
              version,
            ]),
        }),
      }),
    ),
    handshake('a sender that offers TLS 1.1 alone', /TLS versions/, place => ({
      ca: ours(place),
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    })),
    handshake('a sender that has no cipher suite of ECDSA', /cipher suite/, place => ({
      ca: ours(place),
      maxVersion: 'TLSv1.2',
      ciphers: 'ECDHE-RSA-AES128-GCM-SHA256',
    })),
    handshake('a sender that speaks HTTP/2 alone', /HTTP\/2/, place => ({ ca: ours(place), ALPNProtocols: ['h2'] })),
    said(
      'plain HTTP to the port of TLS',
      'request.http-to-tls',
      /plain HTTP/,
      'tls',
      'request.plain-http',
      `${HEAD}\r\n`,
    ),
    said(
      'a PROXY header before TLS',
      'request.handshake-failed',
      /PROXY/,
      'tls',
      'request.handshake',
      'PROXY TCP4 203.0.113.9 192.0.2.1 5000 443\r\n',
    ),
    said(
      'a load balancer that sends no PROXY header',
      'request.proxy-header-rule',
      /PROXY/,
      'proxied',
      'request.proxy-header',
      `${HEAD}Content-Length: 2\r\n\r\n{}`,
    ),
    said(
      'a PROXY header that the listener does not expect',
      'request.not-http',
      /PROXY/,
      'public',
      'request.malformed',
      `PROXY TCP4 203.0.113.9 192.0.2.1 5000 443\r\n${HEAD}\r\n`,
    ),
    said(
      'two lengths',
      'request.rule',
      /Content-Length|length/i,
      'public',
      'request.malformed',
      `${HEAD}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`,
    ),
    said(
      'a length and chunks',
      'request.rule',
      /Transfer-Encoding|Content-Length/i,
      'public',
      'request.malformed',
      `${HEAD}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ),
    said(
      'two Host fields',
      'request.rule',
      /host/i,
      'public',
      'request.malformed',
      `${HEAD}Host: other.example\r\nContent-Length: 2\r\n\r\n{}`,
    ),
    said(
      'no Host field',
      'request.rule',
      /host/i,
      'public',
      'request.malformed',
      'POST /kb HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}',
    ),
    said(
      'HTTP/2 of a proxy that was not agreed on',
      'request.not-http',
      /HTTP\/2/,
      'public',
      'request.malformed',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    ),
    said(
      'TLS to the plain port',
      'request.not-http',
      /TLS/,
      'public',
      'request.malformed',
      '\x16\x03\x01\x00\xf8\x01\x00\x00\xf4\x03\x03',
    ),
  ],
})
