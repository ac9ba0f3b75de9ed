import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { loadConfig } from '../../src/config/load.ts'
import { formatProblems } from '../../src/config/problem.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const manifest = JSON.parse(read('package.json'))
const dockerfile = read('Dockerfile')
const [, UID] = /^USER (\d+):\d+$/m.exec(dockerfile) ?? []

/** Every secret or file that a config refers to. */
function references(config: unknown, key: string): string[] {
  if (typeof config !== 'object' || config === null) return []
  return Object.entries(config).flatMap(([name, value]) =>
    name === key && typeof value === 'string' ? [value] : references(value, key),
  )
}

const ports = (config: { listeners: { bind: string }[]; admin: { bind: string } }): number[] =>
  [...config.listeners, config.admin].map(({ bind }) => Number(bind.split(':').at(-1)))

describe('deploy/', () => {
  it.each(readdirSync(join(ROOT, 'deploy')).filter(name => name.endsWith('.yaml')))('%s is sound YAML', name => {
    for (const document of parseAllDocuments(read(`deploy/${name}`))) expect(document.errors).toEqual([])
  })

  it('names one version of the image', () => {
    for (const file of ['Dockerfile', 'deploy/compose.yaml', 'deploy/kubernetes-sidecar.yaml'])
      for (const [image] of read(file).matchAll(/\bsallyport:\d[\w.-]*/g))
        expect(image).toBe(`sallyport:${manifest.version}`)
  })

  it('holds no secret', () => {
    for (const name of readdirSync(join(ROOT, 'deploy')))
      expect(read(`deploy/${name}`)).not.toMatch(/whsec_|BEGIN [A-Z ]*PRIVATE KEY|(secret|token): *["'][^"'$]/i)
  })
})

describe('each config', () => {
  const inside = parseAllDocuments(read('deploy/kubernetes-sidecar.yaml')).map(document => document.toJS())
  it.each([
    ['gate.yaml', read('deploy/gate.yaml')],
    ['gate.systemd.yaml', read('deploy/gate.systemd.yaml')],
    ['the config map', String(inside.find(object => object.kind === 'ConfigMap').data['gate.yaml'])],
  ])('%s is one that the gate takes', (_name, text) => {
    const folder = mkdtempSync(join(tmpdir(), 'gate-'))
    try {
      const here = text.replaceAll('/run/credentials/sallyport.service/', '')
      const config = parse(here)
      writeFileSync(join(folder, 'gate.yaml'), here)
      for (const path of ['file', 'cert', 'key'].flatMap(key => references(config, key))) {
        mkdirSync(dirname(join(folder, path)), { recursive: true })
        writeFileSync(join(folder, path), 'a-value-of-this-test')
      }
      const env = Object.fromEntries(references(config, 'env').map(name => [name, `the-${name}-of-this-test`]))
      const { problems, text: shown } = loadConfig(join(folder, 'gate.yaml'), env)
      expect(formatProblems(problems, shown)).toBe('')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe('compose.yaml', () => {
  const { sallyport } = parse(read('deploy/compose.yaml')).services
  const config = parse(read('deploy/gate.yaml'))

  it('gives the config what it refers to', () => {
    expect(Object.keys(sallyport.environment).sort()).toEqual([...new Set(references(config, 'env'))].sort())
    const mounts: string[] = sallyport.volumes.map((volume: string) => volume.split(':')[1] ?? '')
    const command = JSON.parse(/^CMD (.*)$/m.exec(dockerfile)?.[1] ?? '[]')
    expect(mounts).toContain(command.at(-1))
    for (const path of [...references(config, 'cert'), ...references(config, 'key')])
      expect(
        mounts.some(mount => `/etc/sallyport/${path}`.startsWith(`${mount}/`)),
        path,
      ).toBe(true)
  })

  it('publishes the ports of the config, the admin on loopback only', () => {
    const published: string[] = sallyport.ports
    expect(published.map(text => Number(text.split(':').at(-1))).sort()).toEqual(ports(config).sort())
    expect(published.find(text => text.endsWith(':9901'))).toMatch(/^127\.0\.0\.1:/)
  })

  it('runs without root, capabilities or a writable root', () => {
    expect(sallyport.user).toMatch(new RegExp(`^${UID}:`))
    expect(sallyport).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      volumes: sallyport.volumes.map(() => expect.stringMatching(/:ro$/)),
    })
    expect(sallyport).not.toHaveProperty('privileged')
  })
})

describe('kubernetes-sidecar.yaml', () => {
  const objects = parseAllDocuments(read('deploy/kubernetes-sidecar.yaml')).map(document => document.toJS())
  const of = (kind: string) => objects.find(object => object.kind === kind)
  const pod = of('Deployment').spec.template.spec
  const gate = pod.containers.find((container: { name: string }) => container.name === 'sallyport')
  const config = parse(of('ConfigMap').data['gate.yaml'])

  it('gives the config what it refers to', () => {
    expect(gate.env.map((each: { name: string }) => each.name).sort()).toEqual(
      [...new Set(references(config, 'env'))].sort(),
    )
    for (const { valueFrom } of gate.env) expect(valueFrom.secretKeyRef.name).toBe('sallyport-secrets')
    const volume = pod.volumes.find((each: { name: string }) => each.name === 'config').projected
    const paths = volume.sources.flatMap(
      (source: { secret?: { items: { path: string }[] } }) => source.secret?.items ?? [],
    )
    expect(paths.map((item: { path: string }) => item.path)).toEqual([
      ...references(config, 'cert'),
      ...references(config, 'key'),
    ])
    expect(volume.sources[0].configMap.name).toBe(of('ConfigMap').metadata.name)
    expect(gate.args.at(-1)).toBe(`${gate.volumeMounts[0].mountPath}/gate.yaml`)
    for (const mount of gate.volumeMounts)
      expect(pod.volumes.map((each: { name: string }) => each.name)).toContain(mount.name)
  })

  it('names the ports of the config, and asks the probes of the admin listener', () => {
    const named = new Map(
      gate.ports.map((port: { name: string; containerPort: number }) => [port.name, port.containerPort]),
    )
    expect([...named.values()].sort()).toEqual(ports(config).sort())
    expect(gate.readinessProbe.httpGet).toEqual({ path: '/readyz', port: 'admin' })
    expect(gate.startupProbe.httpGet).toEqual({ path: '/readyz', port: 'admin' })
    expect(gate.livenessProbe.httpGet).toEqual({ path: '/healthz', port: 'admin' })
    expect(named.has(of('Service').spec.ports[0].targetPort)).toBe(true)
    expect(of('Service').spec.selector).toEqual(of('Deployment').spec.template.metadata.labels)
  })

  it('lets the CRM be reached through the gate only', () => {
    for (const route of config.routes) expect(route.forward.to).toMatch(/^http:\/\/127\.0\.0\.1:/)
  })

  it('runs without root, capabilities or a writable root', () => {
    expect(gate.securityContext).toEqual({
      runAsUser: Number(UID),
      runAsGroup: Number(UID),
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    expect(pod.securityContext.runAsNonRoot).toBe(true)
    expect(pod.automountServiceAccountToken).toBe(false)
  })
})

describe('sallyport.service', () => {
  const unit = read('deploy/sallyport.service')
  const config = parse(read('deploy/gate.systemd.yaml'))
  const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0

  it('loads the credentials that the config refers to, and no others', () => {
    const loaded = [...unit.matchAll(/^LoadCredential=([^:]+):/gm)].map(
      match => `/run/credentials/sallyport.service/${match[1]}`,
    )
    const used = [...references(config, 'file'), ...references(config, 'key')]
    expect(loaded.sort()).toEqual([...new Set(used)].sort())
    expect(references(config, 'env')).toEqual([])
  })

  it('starts what package.json calls sallyport, and reloads by SIGHUP', () => {
    expect(unit).toMatch(
      new RegExp(
        `^ExecStart=/usr/bin/node /opt/sallyport/${manifest.bin.sallyport} run --config /etc/sallyport/gate.yaml$`,
        'm',
      ),
    )
    expect(unit).toMatch(/^ExecReload=\/bin\/kill -HUP \$MAINPID$/m)
    expect(unit).toMatch(/^DynamicUser=yes$/m)
    expect(unit).not.toMatch(/^MemoryDenyWriteExecute=yes/m)
  })

  const drop = /^```ini\n([\s\S]*?)^```$/m.exec(read('docs/acme.md'))?.[1] ?? ''

  it('tells how to have port 443, which takes the user namespace of the host (systemd.exec, PrivateUsers)', () => {
    const settings = ['PrivateUsers=no', 'AmbientCapabilities', 'CapabilityBoundingSet', 'CAP_NET_BIND_SERVICE']
    const comment = /^# For port 443:.*\n(?:#.*\n)*/m.exec(unit)?.[0]
    for (const setting of settings) {
      expect(comment).toContain(setting)
      expect(drop).toContain(setting)
    }
  })

  it.runIf(hasSystemd).each([
    ['as it stands', ''],
    ['with port 443', drop],
  ])('is what systemd takes without a word, and calls well shut: %s', (_name, added) => {
    const folder = mkdtempSync(join(tmpdir(), 'unit-'))
    try {
      const path = join(folder, 'sallyport.service')
      // Where Node is here need not be where it is there.
      writeFileSync(path, unit.replace('/usr/bin/node', process.execPath))
      mkdirSync(`${path}.d`)
      writeFileSync(join(`${path}.d`, 'override.conf'), added)
      const verified = spawnSync('systemd-analyze', ['verify', '--man=no', path], { encoding: 'utf8' })
      expect(verified.stderr + verified.stdout).toBe('')
      const judged = spawnSync(
        'systemd-analyze',
        ['security', '--offline=true', '--no-pager', '--threshold=20', path],
        { encoding: 'utf8' },
      )
      expect(judged.status, judged.stdout + judged.stderr).toBe(0)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
