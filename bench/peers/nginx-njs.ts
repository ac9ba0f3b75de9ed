import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram, programVersion } from '../processes.ts'
import { FOREIGN_PATH, LIMITED_PATH, PATH, SECRET } from '../work.ts'
import { ALLOWED, FOREIGN, type Peer, RATE, type Site, SLOW_PER_MINUTE } from './peer.ts'

const MODULES = ['/usr/lib/nginx/modules', '/usr/lib64/nginx/modules', '/usr/local/nginx/modules', '/etc/nginx/modules']

function module(): string | undefined {
  return MODULES.map(folder => join(folder, 'ngx_http_js_module.so')).find(file => existsSync(file))
}

// The signature is compared with ===, as njs scripts do: quicker than a comparison in constant time would be there.
const SCRIPT = `import crypto from 'crypto'
function verify(r) {
  const body = r.requestBuffer
  if (body === undefined) return r.return(400)
  const mac = crypto.createHmac('sha256', ${JSON.stringify(SECRET)}).update(body).digest('hex')
  if (r.headersIn['X-Hub-Signature-256'] !== 'sha256=' + mac) return r.return(401)
  try { JSON.parse(r.requestText) } catch (e) { return r.return(400) }
  r.internalRedirect('@crm')
}
export default { verify }
`

/** Enough for the idle connections of the bench and for those to the upstream beside them. nginx sets aside some memory for each when it starts. */
export const WORKER_CONNECTIONS = 12_288

const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']

function route(path: string, networks: readonly string[], limit = `zone=source burst=${RATE / 10} nodelay`): string {
  return `    location = ${path} {
      if ($request_method != POST) { return 405; }
      if ($json_type = 0) { return 415; }
      ${networks.map(network => `allow ${network};`).join(' ')} deny all;
      limit_req ${limit};
      js_content gate.verify;
    }`
}

/** Sessions are resumed by tickets, as nginx has it by default. */
export function listen({ port, tls }: Site): string {
  if (tls === undefined) return `listen 127.0.0.1:${port};`
  const clients =
    tls.client === undefined ? '' : ` ssl_client_certificate ${tls.ca}; ssl_verify_client on; ssl_session_tickets off;`
  return `listen 127.0.0.1:${port} ssl;${clients} ssl_certificate ${tls.cert}; ssl_certificate_key ${tls.key}; ssl_protocols TLSv1.2 TLSv1.3;`
}

/** The lines above the servers of a config. */
function preamble(site: Site): string {
  for (const name of TEMPORARY) mkdirSync(join(site.folder, name), { recursive: true })
  return `daemon off;
worker_processes 1;
worker_rlimit_nofile ${WORKER_CONNECTIONS * 2};
pid ${join(site.folder, 'nginx.pid')};
error_log ${join(site.folder, 'error.log')} error;
events { worker_connections ${WORKER_CONNECTIONS}; }
http {
${TEMPORARY.map(name => `  ${name}_temp_path ${join(site.folder, name)};`).join('\n')}
  log_format audit escape=json '{"time":"$time_iso8601","id":"$request_id","source":"$remote_addr","method":"$request_method",'
    '"path":"$uri","status":$status,"in":$request_length,"out":$body_bytes_sent,"s":$request_time,"upstream":"$upstream_response_time"}';
  access_log ${join(site.folder, 'access.log')} audit buffer=64k flush=1s;
  upstream crm { server 127.0.0.1:${site.upstream}; keepalive 64; keepalive_requests 100000000; }
  keepalive_requests 100000000;`
}

/** Writes the config of a plain proxy for one path, which passes bodies on as they come. @returns its file */
export function proxyConfig(site: Site, path: string): string {
  const file = join(site.folder, 'nginx.conf')
  writeFileSync(
    file,
    `${preamble(site)}
  client_max_body_size 0;
  server {
    ${listen(site)}
    location = ${path} {
      allow 127.0.0.0/8; deny all;
      proxy_pass http://crm;
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_max_temp_file_size 0;
      proxy_set_header Connection "";
      proxy_set_header X-Api-Key ${SECRET};
    }
  }
}
`,
  )
  return file
}

function config(site: Site, js: string): string {
  return `load_module ${js};
${preamble(site)}
  js_path ${site.folder};
  js_import gate from gate.js;
  map $content_type $json_type { default 0; "~*^application/json *(;|$)" 1; }
  limit_req_zone $binary_remote_addr zone=source:10m rate=${RATE}r/s;
  limit_req_zone $binary_remote_addr zone=slow:1m rate=${SLOW_PER_MINUTE}r/m;
  client_max_body_size ${site.cap};
  client_body_buffer_size ${site.cap};
  server {
    ${listen(site)}
${route(PATH, ALLOWED)}
${route(FOREIGN_PATH, FOREIGN)}
${route(LIMITED_PATH, ALLOWED, 'zone=slow')}
    location / { return 404; }
    location @crm {
      proxy_pass http://crm;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header X-Request-Id $request_id;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $host;
    }
  }
}
`
}

export const nginxNjs: Peer = {
  name: 'nginx-njs',
  title: 'nginx with njs',
  checks: true,
  note: 'the signature in njs (createHmac, compared with ===), then an internal redirect to proxy_pass',
  version: () => (module() === undefined ? undefined : programVersion('nginx', '-v')),
  command(site) {
    writeFileSync(join(site.folder, 'gate.js'), SCRIPT)
    writeFileSync(join(site.folder, 'nginx.conf'), config(site, module() ?? ''))
    return {
      program: findProgram('nginx') ?? 'nginx',
      args: ['-c', join(site.folder, 'nginx.conf'), '-e', join(site.folder, 'error.log')],
    }
  },
}
