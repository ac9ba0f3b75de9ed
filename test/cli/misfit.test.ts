import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const GATE = join(ROOT, 'config/minimal.yaml')
const ID = '0'.repeat(26)

const sallyport = (line: string) =>
  spawnSync(process.execPath, [join(ROOT, 'bin/sallyport.js'), ...line.split(' ')], {
    encoding: 'utf8',
    timeout: 20_000,
  })

describe('a command line that contradicts itself', () => {
  it.each([
    [`run --config ${GATE} --json --pretty`, '--json and --pretty exclude each other'],
    [`run -c ${GATE} --config other.yaml`, '--config is given twice, with two values'],
    [`check ${GATE} --config ${GATE}`, 'more than one config file is named'],
    ['explain x.har --config a.yaml --admin http://127.0.0.1:9', '--config and --admin exclude each other'],
    ['explain --route github --source 127.0.0.1', '--source is of a request, and none is named beside --route'],
    ['explain --route github --at 2026-01-01T00:00:00Z', '--at is of a request, and none is named'],
    ['secret new --json', '"secret new" takes no --json, which is of status'],
    [`secret status --config ${GATE} --provider github`, '"secret status" takes no --provider, which is of new'],
    [
      'certs revoke --dir certs --force certs/a.crt',
      '"certs revoke" takes no --force, which is of init, client, sign, p12',
    ],
    ['certs show --dir certs certs/a.crt', '"certs show" takes no --dir'],
    ['demo --once now', 'it takes options only'],
    ['doctor https://127.0.0.1:9/ --send', "--send needs the gate's config, and none is named"],
    ['doctor https://127.0.0.1:9/ --only out', "--only needs the gate's config, and none is named"],
    [`doctor --config ${GATE} --only out --send`, '--send is of the part in, which --only out leaves out'],
    [
      `doctor --config ${GATE} --only in --echo http://127.0.0.1:9/`,
      '--echo is of the part out, which --only in leaves',
    ],
    [`send --provider github --secret env:A --secret env:B --url http://127.0.0.1:9/`, '--secret is given twice'],
  ])('%s is refused', (line, said) => {
    const { status, stdout, stderr } = sallyport(line)
    expect(stderr).toContain(`sallyport ${line.split(' ')[0]}: ${said}`)
    expect(stderr).toMatch(/\n(mend|usage): /)
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
  })

  it.each([
    [`check ${GATE} --json --plan --json`, 0],
    [`check --config ${GATE} --config=${GATE}`, 0],
    ['secret new --provider github', 0],
    ['certs revoke --help --force', 0],
  ])('%s is none', (line, code) => {
    const { status, stderr } = sallyport(line)
    expect(stderr).not.toContain('mend: leave')
    expect(status).toBe(code)
  })

  it('asks for --send beside --at of a kept request', () => {
    const { status, stderr } = sallyport(`explain ${ID} --at received --admin http://127.0.0.1:9`)
    expect(stderr).toContain('--at of a request that the gate has kept is for --send')
    expect(status).toBe(2)
  })
})
