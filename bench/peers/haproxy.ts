import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram, programVersion } from '../processes.ts'
import { FOREIGN_PATH, LIMITED_PATH, PATH, SECRET } from '../work.ts'
import { ALLOWED, FOREIGN, type Peer, RATE, type Site, SLOW_PER_MINUTE } from './peer.ts'

/** Enough for the idle connections of the bench. */
const MAX_CONNECTIONS = 10_240

function overTls({ tls }: Site): string {
  if (tls === undefined) return ''
  const clients = tls.client === undefined ? '' : ` ca-file ${tls.ca} verify required no-tls-tickets`
  return ` ssl crt ${tls.bundle} alpn http/1.1 ssl-min-ver TLSv1.2${clients}`
}

// It wants two files for each connection that it may take; here it has a few kept ones upstream, so that fewer do.
// HAProxy sees a body only as far as one buffer reaches, so the buffer is the cap and some room for the head.
function config(site: Site): string {
  const key = Buffer.from(SECRET).toString('base64')
  return `global
  nbthread 1
  maxconn ${MAX_CONNECTIONS}
  no strict-limits
  tune.bufsize ${site.cap + 16 * 1024}
  log stdout format raw local0 info
defaults
  mode http
  log global
  option httplog
  option http-keep-alive
  option forwardfor
  http-reuse always
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout http-request 10s
  timeout http-keep-alive 60s
frontend public
  bind 127.0.0.1:${site.port}${overTls(site)}
  acl known path ${PATH} ${FOREIGN_PATH} ${LIMITED_PATH}
  acl foreign path ${FOREIGN_PATH}
  http-request deny deny_status 404 unless known
  http-request deny deny_status 405 unless { method POST }
  http-request deny deny_status 403 if !foreign !{ src ${ALLOWED.join(' ')} }
  http-request deny deny_status 403 if foreign !{ src ${FOREIGN.join(' ')} }
  stick-table type ip size 100k expire 30s store http_req_rate(1s)
  http-request track-sc0 src
  http-request deny deny_status 429 if { sc_http_req_rate(0) gt ${RATE} }
  http-request track-sc1 src table slow if { path ${LIMITED_PATH} }
  http-request deny deny_status 429 if { path ${LIMITED_PATH} } { sc_http_req_rate(1) gt ${SLOW_PER_MINUTE} }
  http-request deny deny_status 413 if { req.hdr(content-length),sub(${site.cap}) -m int gt 0 }
  http-request return status 415 unless { req.hdr(content-type) -i application/json } || { req.hdr(content-type) -i -m beg application/json; }
  http-request wait-for-body time 10s
  http-request deny deny_status 413 if { req.body_len gt ${site.cap} }
  http-request set-var(txn.mac) req.body,hmac(sha256,${key}),hex,lower
  http-request deny deny_status 401 unless { req.hdr(x-hub-signature-256),regsub(^sha256=,),secure_memcmp(txn.mac) }
  http-request deny deny_status 400 unless { req.body,json_query('$.ref') -m found }
  http-request set-header X-Request-Id %[uuid]
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  default_backend crm
backend slow
  stick-table type ip size 100k expire 2m store http_req_rate(1m)
backend crm
  server crm 127.0.0.1:${site.upstream}
`
}

export const haproxy: Peer = {
  name: 'haproxy',
  title: 'HAProxy with hmac',
  checks: true,
  note: 'looks up one field of the JSON, because it has no converter that refuses what is not JSON',
  lacks: ['a body that is no JSON'],
  version: () => programVersion('haproxy', '-v'),
  command(site) {
    const file = join(site.folder, 'haproxy.cfg')
    writeFileSync(file, config(site))
    return { program: findProgram('haproxy') ?? 'haproxy', args: ['-db', '-f', file] }
  },
}
