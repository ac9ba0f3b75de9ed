import { type Crafted, craft, SERVER_AUTH } from '../tls/craft.ts'
import { LONG, looking, startAll } from './doctor-world.ts'
import type { Entry, Family } from './entry.ts'

/** What stands in front of a gate, as operators get it wrong: a real nginx, `openssl s_server`, sockets. */
export const doctorFronts: Family = {
  name: 'doctor-fronts',
  needs: ['nginx', '-v'],
  async open() {
    const world = await startAll()
    const { root, issuing, older, leaf, fronts, port, closed } = world
    const { url, at, served } = looking(world)
    const good = async (): Promise<readonly Crafted[]> => [await leaf(), issuing]
    const to = (more: string): string =>
      `location / { proxy_ssl_verify off; proxy_set_header Host $http_host; ${more} proxy_pass https://127.0.0.1:${port}; }`
    const twin = await craft({ subject: 'CN=Public Issuing 5', issuer: root, ca: true, ...LONG })
    const stranger = await craft({ subject: 'CN=Mail CA of nobody', ca: true, ...LONG })
    const entries: readonly Entry[] = [
      served('nginx that takes the signature away', 'event.header-stripped', good, {
        rest: to('proxy_set_header X-Hub-Signature-256 "";'),
        says: /X-Hub-Signature-256/i,
      }),
      served('nginx that takes Authorization away', 'event.header-stripped', good, {
        rest: to('proxy_set_header Authorization "";'),
        route: 'kb',
        says: /Authorization/i,
      }),
      served('nginx that writes another body', 'event.changed-on-the-way', good, {
        rest: to('proxy_set_body "$request_body ";'),
      }),
      served('nginx that takes 10 bytes of body', 'event.not-the-gate', good, {
        rest: `client_max_body_size 10; ${to('')}`,
        says: /413/,
      }),
      served('nginx that lets GET alone through', 'event.not-the-gate', good, {
        rest: to('limit_except GET OPTIONS { deny all; }'),
        says: /403/,
      }),
      served('a password in front', 'http.not-the-gate', good, {
        rest: `location / { auth_basic "staff"; auth_basic_user_file /dev/null; proxy_ssl_verify off; proxy_pass https://127.0.0.1:${port}; }`,
        says: /401/,
      }),
      served('nginx that hangs up', 'http.no-answer', good, { rest: 'location / { return 444; }' }),
      served('a page of maintenance', 'http.not-the-gate', good, { rest: 'location / { return 503; }', says: /503/ }),
      served('nginx that makes GET of everything', 'event.method-changed', good, {
        rest: to('proxy_method GET;'),
        also: ['url.method'],
      }),
      served('nginx that answers 200 where the gate refuses', 'http.not-the-gate', good, {
        rest: `${to('proxy_intercept_errors on;')} error_page 400 401 403 404 405 415 =200 /fine; location = /fine { return 200 "fine"; }`,
      }),
      served('nginx that passes its own Host on', 'url.path-unmatched', good, {
        rest: `location / { proxy_ssl_verify off; proxy_pass https://127.0.0.1:${port}; }`,
        route: 'named',
        says: /host/i,
        also: ['http.other-route'],
      }),
      served('the root sent before the intermediate', 'tls.order', async () => [await leaf(), root, issuing]),
      served(
        'an intermediate of the same name with another key',
        'tls.issuer-mismatch',
        async () => [await leaf(), twin],
        {
          also: ['tls.unrelated-certificate'],
          says: /Public Issuing 5/,
        },
      ),
      served('a certificate that does not belong to the chain', 'tls.unrelated-certificate', async () => [
        await leaf(),
        issuing,
        stranger,
      ]),
      served('the intermediates of two years sent', 'tls.unrelated-certificate', async () => [
        await leaf(),
        issuing,
        older,
      ]),
      {
        what: 'cipher suites of RSA for a certificate of ECDSA',
        cause: 'tls.no-common-cipher',
        tell: async () =>
          at(await fronts.nginx(await good(), 'ssl_protocols TLSv1.2; ssl_ciphers ECDHE-RSA-AES128-GCM-SHA256;')),
      },
      {
        what: 'a port that accepts and says nothing',
        cause: 'tls.silent',
        tell: async () => at(await fronts.tcp(() => undefined)),
      },
      {
        what: 'a port that hangs up at once',
        cause: 'tls.cut',
        tell: async () => at(await fronts.tcp(socket => socket.end())),
      },
      {
        what: 'nginx that knows the name of another site alone',
        cause: 'tls.unknown-name',
        tell: async () => at(await fronts.nginx(await good(), 'ssl_reject_handshake on;')),
      },
      {
        what: 'another default certificate for clients without SNI',
        cause: 'tls.default-certificate',
        tell: async () => {
          const other = fronts.files([
            await craft({
              subject: 'CN=other',
              dns: ['other.example'],
              issuer: issuing,
              usage: [SERVER_AUTH],
              ...LONG,
            }),
            issuing,
          ])
          const own = fronts.files(await good())
          return at(
            await fronts.servers(
              place =>
                `server { listen ${place} ssl default_server; server_name other.example; ssl_certificate ${other.cert}; ssl_certificate_key ${other.key}; return 404; }
server { listen ${place} ssl; server_name localhost; ssl_certificate ${own.cert}; ssl_certificate_key ${own.key}; ${to('')} }`,
            ),
          )
        },
      },
      {
        what: 'typographic quotation marks around the URL',
        cause: 'url.quotes',
        tell: () => url(`“https://localhost:${port}/hooks/github”`),
      },
      {
        what: 'https with a letter missing',
        cause: 'url.unreadable',
        says: /https/,
        tell: () => url(`htps://localhost:${port}/hooks/github`),
      },
      {
        what: 'two slashes of a joined URL',
        cause: 'url.path-unmatched',
        says: /slash|before it/,
        tell: () => url(`https://localhost:${port}//hooks/github`),
      },
      {
        what: 'the path in capitals',
        cause: 'url.path-unmatched',
        says: /case/,
        tell: () => url(`https://localhost:${port}/Hooks/GitHub`),
      },
      {
        what: 'a fragment behind the URL',
        cause: 'url.fragment',
        tell: () => url(`https://localhost:${port}/hooks/github#new`),
      },
      {
        what: 'the port left out',
        cause: 'port.closed',
        says: new RegExp(`${port}`),
        tell: () => url('https://localhost/hooks/github'),
      },
      {
        what: 'the port of another program',
        cause: 'port.closed',
        says: new RegExp(`${port}`),
        tell: () => url(`https://localhost:${closed}/hooks/github`),
      },
      {
        what: 'a placeholder of the manual in the URL',
        cause: 'url.placeholder',
        says: /\{name\}/,
        tell: () => url(`https://localhost:${port}/hooks/{name}`),
      },
      {
        what: 'the name of the gate inside, which nobody outside knows',
        cause: 'dns.unknown',
        says: /gate\.internal/,
        tell: () => url('https://gate.internal/hooks/github'),
      },
    ]
    return {
      entries,
      async close() {
        await fronts.close()
        await world.gate.stop()
        await world.crm.close()
      },
    }
  },
}
