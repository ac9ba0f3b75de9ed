import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram, programVersion } from '../processes.ts'
import { BODY_CAP, FOREIGN_PATH, PATH, SECRET } from '../work.ts'
import { ALLOWED, FOREIGN, type Peer, RATE, type Site } from './peer.ts'

// HAProxy sees a body only as far as one buffer reaches, so the buffer is the cap and some room for the head.
function config(site: Site): string {
  const key = Buffer.from(SECRET).toString('base64')
  return `global
  nbthread 1
  maxconn 1024
  tune.bufsize ${BODY_CAP + 16 * 1024}
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
frontend public
  bind 127.0.0.1:${site.port}
  acl known path ${PATH} ${FOREIGN_PATH}
  acl foreign path ${FOREIGN_PATH}
  http-request deny deny_status 404 unless known
  http-request deny deny_status 405 unless { method POST }
  http-request deny deny_status 403 if !foreign !{ src ${ALLOWED.join(' ')} }
  http-request deny deny_status 403 if foreign !{ src ${FOREIGN.join(' ')} }
  stick-table type ip size 100k expire 30s store http_req_rate(1s)
  http-request track-sc0 src
  http-request deny deny_status 429 if { sc_http_req_rate(0) gt ${RATE} }
  http-request deny deny_status 413 if { req.hdr(content-length),sub(${BODY_CAP}) -m int gt 0 }
  http-request return status 415 unless { req.hdr(content-type) -i application/json } || { req.hdr(content-type) -i -m beg application/json; }
  http-request wait-for-body time 10s
  http-request deny deny_status 413 if { req.body_len gt ${BODY_CAP} }
  http-request set-var(txn.mac) req.body,hmac(sha256,${key}),hex,lower
  http-request deny deny_status 401 unless { req.hdr(x-hub-signature-256),regsub(^sha256=,),secure_memcmp(txn.mac) }
  http-request deny deny_status 400 unless { req.body,json_query('$.ref') -m found }
  http-request set-header X-Request-Id %[uuid]
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  default_backend crm
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
