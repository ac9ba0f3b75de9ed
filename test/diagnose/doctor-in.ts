import { craft, craftCrl, DAY, SERVER_AUTH } from '../tls/craft.ts'
import { ENV, LONG, looking, startAll } from './doctor-world.ts'
import { complaints } from './doctored.ts'
import type { Entry, Family } from './entry.ts'

/** `sallyport doctor` looking in, at endpoints that are really broken: nginx, `openssl s_server`, a running gate. */
export const doctorIn: Family = {
  name: 'doctor-in',
  needs: ['nginx', '-v'],
  async open() {
    const world = await startAll()
    const { folder, issuing, older, ended, leaf, own, clients, fronts, port, closed } = world
    const { look, url, at, pass, served } = looking(world)
    const good = async () => [await leaf(), issuing]
    const entries: readonly Entry[] = [
      {
        what: 'a trailing slash in the service',
        cause: 'url.path-unmatched',
        says: /slash too many/,
        tell: () => url(`https://localhost:${port}/hooks/github/`),
      },
      {
        what: 'the suffix of the path left out',
        cause: 'url.path-unmatched',
        says: /lacks the suffix/,
        tell: () => url(`https://localhost:${port}/hooks`),
      },
      {
        what: "another route's URL",
        cause: 'url.other-route',
        says: /kb/,
        tell: () => url(`https://localhost:${port}/hooks/kb`),
      },
      {
        what: 'a zero width space copied into the URL',
        cause: 'url.hidden-character',
        also: ['url.path-unmatched'],
        tell: () => url(`https://localhost:${port}/hooks/github\u200b`),
      },
      {
        what: 'a blank behind the URL',
        cause: 'url.hidden-character',
        also: ['url.path-unmatched'],
        tell: () => url(`https://localhost:${port}/hooks/github `),
      },
      { what: 'a URL without https://', cause: 'url.unreadable', tell: () => url('hooks.example.com/hooks/github') },
      {
        what: 'plain http to a port of TLS',
        cause: 'http.tls-port',
        tell: () => url(`http://localhost:${port}/hooks/github`),
      },
      {
        what: 'a port where nothing listens',
        cause: 'port.closed',
        tell: () => url(`https://localhost:${closed}/hooks/github`),
      },
      {
        what: 'a name that DNS does not know',
        cause: 'dns.unknown',
        says: /hooks\.invalid/,
        tell: () => url('https://hooks.invalid/hooks/github'),
      },
      {
        what: 'a user and password in the URL',
        cause: 'url.credentials',
        tell: () => url(`https://crm:secret@localhost:${port}/hooks/github`),
      },
      {
        what: 'another secret in the gate than here',
        cause: 'event.refused',
        says: /Settings, Webhooks|secret/,
        tell: () => look('github', [], { ...ENV, GITHUB: 'another-secret' }),
      },
      {
        what: 'a CA that nobody outside trusts',
        cause: 'tls.private-ca',
        also: ['tls.untrusted'],
        tell: () => complaints(['kb', '--config', 'gate.yaml', '--only', 'in'], { cwd: folder, env: ENV }),
      },
      {
        what: 'an upstream that is down, seen by --send',
        cause: 'event.not-delivered',
        says: /502|503|upstream/,
        tell: () => look('down', ['--send']),
      },
      {
        what: 'an upstream that refuses the event as the gate writes it, seen by --send',
        cause: 'event.upstream-refused',
        says: /415/,
        tell: () => look('forms', ['--send']),
      },
      {
        what: 'a schema that the test event does not fit, seen by --send',
        cause: 'event.content-refused',
        also: ['event.not-delivered'],
        tell: () => look('strict', ['--send']),
      },
      served('the intermediate not served', 'tls.intermediate-missing', async () => [await leaf()], {
        says: /Public Issuing 5/,
      }),
      {
        what: 'the intermediate not served by openssl s_server',
        cause: 'tls.intermediate-missing',
        tell: async () => at(await fronts.openssl([await leaf()])),
      },
      served(
        'the intermediate of before a renewal served',
        'tls.intermediate-missing',
        async () => [await leaf(), older],
        { also: ['tls.unrelated-certificate'], says: /Public Issuing 5/ },
      ),
      served(
        'an expired certificate',
        'tls.expired',
        async () => [await leaf({ notBefore: Date.now() - 90 * DAY, notAfter: Date.now() - 3 * DAY }), issuing],
        { says: /expired/ },
      ),
      served('a certificate that is not valid yet', 'tls.not-yet-valid', async () => [
        await leaf({ notBefore: Date.now() + 2 * DAY }),
        issuing,
      ]),
      served(
        'an intermediate that has expired',
        'tls.issuer-expired',
        async () => [await leaf({ issuer: ended }), ended],
        { says: /Public Issuing 3/ },
      ),
      served(
        'a certificate for another name',
        'tls.name-mismatch',
        async () => [await leaf({ dns: ['hooks.example.com'] }), issuing],
        { says: /hooks\.example\.com/ },
      ),
      served('a certificate with the name in the CN alone', 'tls.name-mismatch', async () => [
        await leaf({ subject: 'CN=localhost', dns: [] }),
        issuing,
      ]),
      served('a wildcard of another level', 'tls.name-mismatch', async () => [
        await leaf({ dns: ['*.localhost'] }),
        issuing,
      ]),
      served('a self-signed certificate', 'tls.self-signed', async () => [
        await craft({ subject: 'CN=localhost', dns: ['localhost'], usage: [SERVER_AUTH], ...LONG }),
      ]),
      served(
        'a certificate for clients',
        'tls.not-for-servers',
        async () => [await leaf({ usage: ['1.3.6.1.5.5.7.3.2'] }), issuing],
        { also: ['tls.untrusted'] },
      ),
      served(
        'a certificate that ends in 5 days',
        'tls.ends-soon',
        async () => [await leaf({ notBefore: Date.now() - 85 * DAY, notAfter: Date.now() + 5 * DAY }), issuing],
        { says: /5 days|4 days/ },
      ),
      served('a redirect to another host', 'http.redirect', good, {
        rest: 'return 301 https://www.example.com$request_uri;',
        says: /www\.example\.com/,
      }),
      served('a redirect that adds a slash', 'http.redirect', good, {
        rest: 'return 308 https://$http_host$request_uri/;',
      }),
      {
        what: 'a redirect from http to https',
        cause: 'http.redirect',
        tell: async () =>
          url(`http://localhost:${await fronts.plainNginx('return 301 https://$host$request_uri;')}/hooks/github`),
      },
      served('a gate that nginx does not reach', 'http.no-gate-behind', good, {
        rest: `location / { proxy_pass http://127.0.0.1:${closed}; }`,
        says: /502/,
      }),
      served('a page of nginx itself', 'http.not-the-gate', good, { rest: 'location / { return 404; }' }),
      served('a login page in front', 'http.not-the-gate', good, {
        rest: `location / { default_type text/html; return 200 '<form action="/login">'; }`,
      }),
      served('a firewall that forbids', 'http.not-the-gate', good, { rest: 'location / { return 403; }', says: /403/ }),
      served('nginx that strips the prefix of the path', 'url.path-unmatched', good, {
        rest: `location /hooks/ { proxy_ssl_verify off; proxy_set_header Host $http_host; proxy_pass https://127.0.0.1:${port}/; }`,
      }),
      served('TLS 1.1 still spoken', 'tls.old-version', good, {
        rest: `ssl_protocols TLSv1.1 TLSv1.2 TLSv1.3; ssl_ciphers ALL:@SECLEVEL=0; ${pass}`,
        says: /TLSv1\.1/,
      }),
      served('TLS ended in front of client certificates', 'client-cert.not-asked', good, { route: 'bank' }),
      {
        what: "nginx that asks for another CA's client certificates",
        cause: 'client-cert.other-names',
        says: /Clients CA/,
        tell: async () => {
          const { cert } = fronts.files([await craft({ subject: 'CN=Old clients CA', ca: true, ...LONG })])
          return at(
            await fronts.nginx(
              await good(),
              `ssl_client_certificate ${cert}; ssl_verify_client optional_no_ca; ${pass}`,
            ),
            'bank',
          )
        },
      },
      {
        what: 'nginx that names no CAs of clients',
        cause: 'client-cert.no-names',
        tell: async () => {
          const { cert } = fronts.files([clients])
          return at(
            await fronts.nginx(
              await good(),
              `ssl_trusted_certificate ${cert}; ssl_verify_client optional_no_ca; ${pass}`,
            ),
            'bank',
          )
        },
      },
      {
        what: 'a plain server on the port of TLS',
        cause: 'tls.not-tls',
        tell: async () => at(await fronts.plainNginx('location / { return 200; }')),
      },
      {
        what: 'the port of the client certificates of somebody else',
        cause: 'client-cert.required',
        tell: async () => {
          const { cert } = fronts.files([clients])
          return at(
            await fronts.nginx(
              await good(),
              `ssl_client_certificate ${cert}; ssl_verify_client on; location / { return 204; }`,
            ),
          )
        },
      },
      {
        what: 'a secret that is missing here',
        cause: 'signature.not-there',
        says: /GITHUB/,
        tell: () =>
          complaints(['github', '--config', 'gate.yaml', '--only', 'config'], { cwd: folder, env: { KB: ENV.KB } }),
      },
      {
        what: 'a CRL of the listener that has expired',
        cause: 'crl.expired',
        also: ['listener.warning'],
        tell: async () => {
          world.put(
            'ended.crl',
            await craftCrl(clients, { thisUpdate: Date.now() - 9 * DAY, nextUpdate: Date.now() - 2 * DAY }),
          )
          world.put(
            'crl.yaml',
            `
listeners: [{ name: public, bind: "127.0.0.1:${closed}", tls: { certificates: [{ cert: server.crt, key: server.key }], client-ca: clients.pem, client-crl: ended.crl } }]
routes: [{ name: bank, match: { path: /bank }, checks: [{ client-cert: {} }], forward: { to: "http://127.0.0.1:3000/in" } }]
`,
          )
          return complaints(['--config', 'crl.yaml', '--only', 'config'], { cwd: folder, env: ENV })
        },
      },
      {
        what: 'a key that is not of the certificate',
        cause: 'listener.unusable',
        tell: async () => {
          world.put('other.key', (await leaf()).key)
          world.put(
            'key.yaml',
            `
listeners: [{ name: public, bind: "127.0.0.1:${closed}", tls: { certificates: [{ cert: server.crt, key: other.key }] } }]
routes: [{ name: kb, match: { path: /kb }, checks: [{ bearer: { tokens: [{ name: kb, env: KB }] } }], forward: { to: "http://127.0.0.1:3000/in" } }]
`,
          )
          return complaints(['--config', 'key.yaml', '--only', 'config'], { cwd: folder, env: ENV })
        },
      },
    ]
    void own
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
