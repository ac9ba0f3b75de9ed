import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Finding } from '../../src/core/finding.ts'
import { startFullPort } from '../support/full-port.ts'
import { tempFolder } from '../support/gate.ts'
import { inOwnNetwork, OWN_NETWORK } from '../support/own-network.ts'
import { type Crafted, openssl } from '../tls/craft.ts'
import { ENV, looking, startAll } from './doctor-world.ts'
import { complaints } from './doctored.ts'
import type { Entry, Family } from './entry.ts'

const BIN = join(import.meta.dirname, '../../bin/sallyport.js')
const TWO = '198.41.0.4 two.example\n198.41.0.5 two.example'
const META = '169.254.169.254 crm.example'

/** Complaints of a doctor that ran by itself: what fails first. */
function complaintsIn(json: string): readonly Finding[] {
  const { sections } = JSON.parse(json) as { readonly sections: readonly { readonly findings: readonly Finding[] }[] }
  const all = sections.flatMap(({ findings }) => findings)
  return ['fail', 'warn'].flatMap(level => all.filter(each => each.level === level))
}

/** Signed by OpenSSL, which still makes what it warns of. */
async function weak(issuer: Crafted, folder: string, name: string, key: string, digest: string): Promise<Crafted> {
  const at = (file: string): string => join(folder, `${name}-${file}`)
  writeFileSync(at('ca.pem'), issuer.certificate)
  writeFileSync(at('ca.key'), issuer.key, { mode: 0o600 })
  writeFileSync(at('ext'), 'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n')
  const runs = [
    ['req', '-newkey', key, '-nodes', '-keyout', at('key'), '-subj', '/CN=weak', '-out', at('csr')],
    ['x509', '-req', '-in', at('csr'), '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', digest].concat([
      '-days',
      '200',
      '-extfile',
      at('ext'),
      '-out',
      at('crt'),
    ]),
    ['x509', '-in', at('crt'), '-outform', 'PEM'],
    ['pkey', '-in', at('key')],
  ]
  let last: string[] = []
  for (const args of runs) {
    const { code, stdout, stderr } = await openssl(args)
    if (code !== 0) throw new Error(`openssl ${args[0] ?? ''}: ${stderr}`)
    last = [...last, stdout]
  }
  return { ...issuer, certificate: last[2] ?? '', key: last[3] ?? '', subject: 'CN=weak' }
}

/** Networks and certificates that need more than a server to break: full queues, names of several addresses, OpenSSL. */
export const doctorNetwork: Family = {
  name: 'doctor-network',
  needs: OWN_NETWORK,
  async open() {
    const world = await startAll()
    const { folder, issuing, leaf, fronts } = world
    const { url, at } = looking(world)
    const full = await startFullPort()
    const out = tempFolder()
    /** The doctor looking out, over a route to this URL. */
    const config = (to: string, rest = ''): string => {
      const yaml = `listeners: [{ name: private, bind: "127.0.0.1:8080" }]
routes:
  - { name: bridge, match: { path: /out }, checks: [{ source-ip: { allow: [127.0.0.1] } }], forward: { to: "${to}"${rest} } }
`
      writeFileSync(join(out, 'gate.yaml'), yaml)
      return yaml
    }
    const lookOut = (to: string, rest = '') => {
      config(to, rest)
      return complaints(['--config', 'gate.yaml', '--only', 'out'], { cwd: out, env: ENV })
    }
    const doctor = `${process.execPath} ${BIN} doctor`
    const inside = async (hosts: string, script: string): Promise<readonly Finding[]> =>
      complaintsIn(await inOwnNetwork(out, { addresses: ['198.41.0.4/32', '10.0.0.7/32'], hosts, script, env: ENV }))
    /** A gate of its own at one address, whatever its name stands for. */
    const gateAt = async (address: string, hosts: string, args: string): Promise<readonly Finding[]> => {
      const own = await leaf({ dns: ['two.example'] })
      writeFileSync(join(out, 'server.crt'), `${own.certificate}\n${issuing.certificate}`)
      writeFileSync(join(out, 'server.key'), own.key, { mode: 0o600 })
      writeFileSync(join(out, 'root.pem'), world.root.certificate)
      writeFileSync(
        join(out, 'two.yaml'),
        `listeners: [{ name: public, bind: "${address}:8443", tls: { certificates: [{ cert: server.crt, key: server.key }] } }]
routes: [{ name: kb, match: { path: /kb }, checks: [{ bearer: { tokens: [{ name: kb, env: KB }] } }], forward: { to: "http://127.0.0.1:9/in" } }]
`,
      )
      // What another gate has written there must not be taken for what this one does.
      const started = `rm -f gate.log
${process.execPath} ${BIN} run --config two.yaml --json > gate.log 2>&1 & gate=$!
until grep -qs '"listening"' gate.log; do kill -0 $gate || exit 8; sleep 0.1; done`
      return inside(hosts, `${started}\n${doctor} ${args}; kill $gate`)
    }
    const withRsa = async (key: string, digest: string): Promise<number> => {
      const made = await weak(issuing, folder, `${key}${digest}`.replace(/\W/g, ''), key, digest)
      return fronts.openssl([made, issuing], '-cipher', 'DEFAULT@SECLEVEL=0')
    }
    const entries: readonly Entry[] = [
      {
        what: 'a firewall that drops what comes to the port',
        cause: 'port.filtered',
        says: /firewall/,
        tell: () => url(`https://localhost:${full.port}/hooks/github`),
      },
      {
        what: 'a firewall that drops what goes to the upstream',
        cause: 'upstream.filtered',
        says: /firewall/,
        tell: () => lookOut(`http://127.0.0.1:${full.port}/in`, ', timeout: { connect: 1s }'),
      },
      {
        what: 'a proxy on the way out behind a firewall that drops',
        cause: 'proxy.filtered',
        tell: () =>
          lookOut(
            'http://127.0.0.1:9/in',
            `, proxy: { url: "http://127.0.0.1:${full.port}" }, timeout: { connect: 1s }`,
          ),
      },
      {
        what: 'a name of two addresses, of which one is not served',
        cause: 'port.one-address-closed',
        says: /198\.41\.0\.5/,
        tell: () =>
          gateAt(
            '198.41.0.4',
            TWO,
            'kb --config two.yaml --only in --ca root.pem --url https://two.example:8443/kb --json',
          ),
      },
      {
        what: 'a name of two addresses, seen from outside without a config',
        cause: 'port.one-address-closed',
        says: /A record/,
        tell: () => gateAt('198.41.0.4', TWO, 'https://two.example:8443/kb --ca root.pem --json'),
        also: ['http.not-the-gate'],
      },
      {
        what: 'an upstream whose name leads to the metadata of a cloud',
        cause: 'upstream.address-not-allowed',
        says: /169\.254\.169\.254/,
        tell: () => {
          config('http://crm.example/in')
          return inside(META, `${doctor} --config gate.yaml --only out --json`)
        },
      },
      {
        what: 'an upstream on the internet whose name leads into the own network',
        cause: 'upstream.address-not-allowed',
        says: /allow-private/,
        tell: () => {
          config('http://crm.example/in', ', allow-private: [192.168.0.0/16], authenticate: { bearer: { env: KB } }')
          return inside('10.0.0.7 crm.example', `${doctor} --config gate.yaml --only out --json`)
        },
      },
      {
        what: 'an address to which there is no way',
        cause: 'port.unreachable',
        tell: () => inside('203.0.113.7 far.example', `${doctor} https://far.example/in --json`),
        also: ['dns.private'],
      },
      {
        what: 'a public URL whose name leads into the own network',
        cause: 'dns.private',
        says: /10\.0\.0\.7/,
        tell: () =>
          gateAt(
            '10.0.0.7',
            '10.0.0.7 two.example',
            'kb --config two.yaml --only in --ca root.pem --url https://two.example:8443/kb --json',
          ),
      },
      {
        what: 'an RSA key of 1024 bits',
        cause: 'tls.weak-key',
        says: /1024/,
        also: ['tls.old-version'],
        tell: async () => at(await withRsa('rsa:1024', '-sha256')),
      },
      {
        what: 'a certificate signed with SHA-1',
        cause: 'tls.weak-signature',
        says: /SHA-?1/i,
        also: ['tls.old-version'],
        tell: async () => at(await withRsa('rsa:2048', '-sha1')),
      },
      {
        what: "an upstream's certificate signed with SHA-1",
        cause: 'tls.weak-signature',
        tell: async () =>
          lookOut(
            `https://localhost:${await withRsa('rsa:2048', '-sha1')}/in`,
            `, tls: { ca: ${join(folder, 'root.pem')} }`,
          ),
      },
    ]
    return {
      entries,
      async close() {
        full.close()
        await fronts.close()
        await world.gate.stop()
        await world.crm.close()
      },
    }
  },
}
