import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createExposition } from '../../src/observe/exposition.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8')
/** prom-client holds these and does not declare them. */
const metric = z.object({ name: z.string(), labelNames: z.array(z.string()) })

const registry = createExposition({
  version: '',
  all: () => [],
  online: () => [],
  listeners: () => [],
  reloads: { ok: 0, failed: 0, at: 0, successful: true },
  expiries: () => [],
  remotes: () => [],
  bridges: () => [],
  acme: () => [],
  alerts: () => undefined,
  telemetry: () => undefined,
  dropped: () => 0,
  workers: () => ({ running: 1, ended: 0 }),
})

describe('the table of metrics', () => {
  const rows = new Map(
    [...page.matchAll(/^\| `([a-z_]+)` +\| (?:counter|gauge|histogram) +\|([^|]*)\|/gm)].map(
      ([, name = '', labels = '']) => [name, [...labels.matchAll(/`([a-z]+)`/g)].map(match => match[1])],
    ),
  )

  it('has every metric, and no other', () => {
    expect([...rows.keys()].sort()).toEqual(
      registry
        .getMetricsAsArray()
        .map(({ name }) => name)
        .sort(),
    )
  })

  it.each(registry.getMetricsAsArray().map(each => metric.parse(each)))('$name has its labels there', each => {
    expect(rows.get(each.name)).toEqual(each.labelNames)
  })
})
