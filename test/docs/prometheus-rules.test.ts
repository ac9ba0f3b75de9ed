import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { hasProgram } from '../support/programs.ts'
import { fences, readPage } from './markdown.ts'

const run = promisify(execFile)
const HOUR = 3_600
const DAY = 24 * HOUR
const folder = mkdtempSync(join(tmpdir(), 'sallyport-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Ends {
  readonly kind: string
  readonly name: string
  /** Seconds left at the begin. */
  readonly left: number
  /** Seconds; absent: not known. */
  readonly life?: number
  /** Seconds after which another is in its place; absent: never. */
  readonly renewed?: number
  /** Hours from the begin at which it is told, and at which it is not. */
  readonly told: readonly number[]
  readonly quiet: readonly number[]
}

/** What Prometheus itself makes of the rules of a page, by a sample an hour; rejects with what it finds wrong. */
async function testRules(page: string, alert: string, all: readonly Ends[]): Promise<void> {
  const rules = fences(readPage(page)).find(({ info }) => info === 'yaml prometheus')
  writeFileSync(join(folder, 'rules.yaml'), rules?.text ?? '')
  await run('promtool', ['check', 'rules', join(folder, 'rules.yaml')])
  const tests = all.flatMap(({ kind, name, left, life, renewed, told, quiet }) => {
    const labels = { kind, name, instance: 'gw-1' }
    const series = (metric: string) => `${metric}{kind="${kind}",name="${name}",instance="gw-1"}`
    const hours = Math.max(...told, ...quiet) + 1
    const values = Array.from({ length: hours }, (_, hour) =>
      renewed === undefined ? left - hour * HOUR : left - ((hour * HOUR) % renewed),
    )
    const input = [
      { series: series('sallyport_expires_seconds'), values: values.join(' ') },
      ...(life === undefined ? [] : [{ series: series('sallyport_lifetime_seconds'), values: `${life}x${hours}` }]),
    ]
    const at = (hour: number, exp_alerts: readonly unknown[]) => ({
      eval_time: `${hour}h`,
      alertname: alert,
      exp_alerts,
    })
    const cases = [...told.map(hour => at(hour, [{ exp_labels: labels }])), ...quiet.map(hour => at(hour, []))]
    return [{ interval: '1h', name, input_series: input, alert_rule_test: cases }]
  })
  const file = join(folder, 'test.yaml')
  // JSON is YAML.
  writeFileSync(file, JSON.stringify({ rule_files: ['rules.yaml'], evaluation_interval: '1h', tests }))
  await run('promtool', ['test', 'rules', file])
}

const every = (hours: number): number[] => Array.from({ length: hours }, (_, hour) => hour)

describe.skipIf(!(await hasProgram('promtool', '--version')))('the rules on the pages, in Prometheus', () => {
  it('tell of what ends soon, and not of what lives short and is renewed', async () => {
    await testRules('docs/operations.md', 'EndsSoon', [
      { kind: 'token', name: 'kb/bearer/a', left: 8 * DAY, told: [25, 191, 193], quiet: [0, 23] },
      { kind: 'certificate', name: 'year.crt', left: 8 * DAY, life: 365 * DAY, told: [25, 193], quiet: [0, 23] },
      { kind: 'crl', name: 'new.crl', left: 30 * DAY, life: 30 * DAY, told: [601, 721], quiet: [0, 1, 590] },
      { kind: 'certificate', name: 'six.crt', left: 6 * DAY, life: 6 * DAY, told: [121, 145], quiet: every(120) },
      { kind: 'certificate', name: 'day.crt', left: DAY, life: DAY, told: [21, 25], quiet: every(20) },
      // Renewed when a third is left, again and again.
      { kind: 'certificate', name: 'days.crt', left: DAY, life: DAY, renewed: 17 * HOUR, told: [], quiet: every(200) },
      {
        kind: 'certificate',
        name: 'sixes.crt',
        left: 6 * DAY,
        life: 6 * DAY,
        renewed: 97 * HOUR,
        told: [],
        quiet: every(500),
      },
    ])
  })

  it('tell of what the gate renews by itself once that is overdue', async () => {
    await testRules('docs/acme.md', 'EndsSoonThoughRenewed', [
      { kind: 'certificate', name: 'acme/x/a.pem', left: 6 * DAY, life: 90 * DAY, told: [25, 145], quiet: [0, 23] },
      { kind: 'certificate', name: 'acme/x/b.pem', left: 6 * DAY, life: 6 * DAY, told: [121], quiet: every(120) },
      { kind: 'certificate', name: 'server.crt', left: DAY, life: 90 * DAY, told: [], quiet: [0, 20] },
    ])
  })

  it('are found wrong where they are', async () => {
    const wrong = { kind: 'token', name: 'a', left: 8 * DAY, told: [0], quiet: [] }
    await expect(testRules('docs/operations.md', 'EndsSoon', [wrong])).rejects.toThrow()
  })
})
