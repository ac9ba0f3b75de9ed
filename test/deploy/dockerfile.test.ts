import { execFileSync, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:http'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const text = readFileSync(join(ROOT, 'Dockerfile'), 'utf8').replace(/\\\n\s*/g, '')
const instructions = text
  .split('\n')
  .filter(line => line !== '' && !line.startsWith('#'))
  .map(line => ({ word: line.split(' ')[0] ?? '', rest: line.slice(line.indexOf(' ') + 1) }))
const all = (word: string): string[] => instructions.filter(each => each.word === word).map(each => each.rest)
const last = instructions.slice(instructions.findLastIndex(each => each.word === 'FROM'))
const final = (word: string): string => last.find(each => each.word === word)?.rest ?? ''
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))

/** Files of the context that COPY names. */
const sources = all('COPY')
  .filter(rest => !rest.startsWith('--from'))
  .flatMap(rest => rest.split(' ').slice(0, -1))

describe('Dockerfile', () => {
  it('copies what is there, and what .dockerignore lets through', () => {
    const kept = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n')
    expect(kept.filter(line => line !== '' && !line.startsWith('#'))[0]).toBe('*')
    for (const source of sources) {
      expect(existsSync(join(ROOT, source)), source).toBe(true)
      expect(kept, source).toContain(`!${source}`)
    }
    const needless = kept.filter(line => line.startsWith('!') && !sources.includes(line.slice(1)))
    expect(needless, 'in the context and copied by nothing').toEqual([])
  })

  it('copies between stages that exist', () => {
    const stages = all('FROM').map(rest => / AS (\S+)$/.exec(rest)?.[1])
    for (const rest of all('COPY')) {
      const from = /^--from=(\S+)/.exec(rest)?.[1]
      if (from) expect(stages).toContain(from)
    }
  })

  it('runs a Node that the package takes, as nobody in particular', () => {
    const least = Number(/\d+/.exec(manifest.engines.node)?.[0])
    for (const from of all('FROM')) expect(Number(/^node:(\d+)-slim/.exec(from)?.[1])).toBeGreaterThanOrEqual(least)
    const [uid, gid] = final('USER').split(':').map(Number)
    expect(uid).toBeGreaterThan(999)
    expect(gid).toBeGreaterThan(999)
    expect(final('STOPSIGNAL')).toBe('SIGTERM')
  })

  it('starts what package.json calls sallyport', () => {
    expect(JSON.parse(final('ENTRYPOINT'))).toEqual(['node', `/app/${manifest.bin.sallyport}`])
    expect(JSON.parse(final('CMD')).slice(0, 2)).toEqual(['run', '--config'])
    expect(all('RUN').join('\n')).toContain('npm ci --omit=dev')
    for (const script of all('RUN').flatMap(run => /npm run (\S+)/.exec(run)?.[1] ?? []))
      expect(manifest.scripts).toHaveProperty(script)
  })

  it('ships no development dependency that the built code imports', () => {
    const folder = mkdtempSync(join(tmpdir(), 'image-'))
    try {
      for (const source of sources) cpSync(join(ROOT, source), join(folder, source), { recursive: true })
      symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
      execFileSync(join(ROOT, 'node_modules/.bin/rolldown'), ['-c'], { cwd: folder })
      rmSync(join(folder, 'src'), { recursive: true })
      const says = execFileSync(process.execPath, [join(folder, manifest.bin.sallyport), '--version'], {
        encoding: 'utf8',
      })
      expect(says.trim()).toBe(manifest.version)
      const imports = execFileSync(
        'grep',
        ['-rhoE', 'require\\("[^."][^"]*"\\)', join(folder, 'dist/cli'), '--include=*.js'],
        { encoding: 'utf8' },
      )
      expect(imports).toContain('require("node:crypto")')
      const packages = imports
        .split('\n')
        .filter(Boolean)
        .map(line => line.slice('require("'.length, -2))
        .filter(name => !isBuiltin(name))
      const names = packages.map(name =>
        name
          .split('/')
          .slice(0, name.startsWith('@') ? 2 : 1)
          .join('/'),
      )
      for (const name of new Set(names)) expect(Object.keys(manifest.dependencies)).toContain(name)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it.each([
    [200, 0],
    [503, 1],
  ])('takes the answer %d as the exit status %d of its health check', async (answer, status) => {
    const command: string[] = JSON.parse(/CMD (\[.*\])$/.exec(final('HEALTHCHECK'))?.[1] ?? '[]')
    const script = command[2] ?? ''
    expect(script).toMatch(/127\.0\.0\.1:9901\/readyz/)
    expect(final('EXPOSE').split(' ')).toContain('9901')
    const server = createServer((request, response) => {
      response.statusCode = request.url === '/readyz' ? answer : 404
      response.end()
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const child = spawn(process.execPath, ['-e', script.replace('9901', String(port))])
    const code = await new Promise(resolve => child.once('exit', resolve))
    server.close()
    expect(code).toBe(status)
  })
})
