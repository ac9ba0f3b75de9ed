import { describe, expect, it } from 'vitest'
import { machine, measuredSection, replaceSection } from '../../bench/document.ts'
import type { Sample } from '../../bench/measure.ts'
import { chart, columns, markdownTable, type Outcome, terminalTable } from '../../bench/report.ts'

const sample = (cpuUs: number): Sample => ({
  cpuUs,
  perSecond: 1e6 / cpuUs,
  p50: cpuUs * 30,
  p99: cpuUs * 60,
  resident: 20e6,
  busy: 0.98,
})

function outcome(peer: string, title: string, costs: readonly number[], problem?: string): Outcome {
  return { peer, title, note: '', version: '1.2', problem, atRest: 10e6, startMs: 300, samples: costs.map(sample) }
}

const base = outcome('nginx-njs', 'nginx with njs', [40, 80, 50])
const gate = outcome('sallyport', 'Sallyport', [60, 80, 100])
const absent = outcome('caddy', 'Caddy', [], 'not installed')

describe('the table', () => {
  it('compares within a round, so a slow round of both does not count as a difference', () => {
    // 60/40, 80/80 and 100/50: the medians themselves would give 80/50 = 1.60.
    expect(markdownTable([base, gate])).toContain('| Sallyport 1.2 | 1.50 (1.00-2.00) | 0.67 | 1.50 | 1.50 | 1.00 |')
  })

  it('names a peer without figures, with its reason', () => {
    expect(markdownTable([base, absent])).toContain('| Caddy 1.2 | not installed |')
    expect(terminalTable([base, absent])).toContain('Caddy: not installed')
    expect(chart([base, absent])).not.toContain('Caddy')
  })

  it('prints what was measured without ratios where the base is missing', () => {
    const line = terminalTable([gate]).split('\n')[1] ?? ''
    expect(line.split(/\s+/)).toEqual([
      'Sallyport',
      '80.0',
      '-',
      '12500',
      '-',
      '2.40',
      '4.80',
      '300',
      '10',
      '20',
      '98%',
    ])
  })

  it('aligns columns by their widest cell', () => {
    expect(
      columns([
        ['', 'long head'],
        ['name', '1'],
      ]),
    ).toBe('      long head\nname          1')
  })
})

describe('the chart', () => {
  it('draws bars in proportion, the longest over the whole width', () => {
    const [first = '', second = ''] = chart([base, gate], 'nginx-njs', 30).split('\n')
    expect(first).toBe(`nginx with njs  ${'#'.repeat(20)} 1.00`)
    expect(second).toBe(`Sallyport       ${'#'.repeat(30)} 1.50`)
  })
})

describe('docs/benchmarks.md', () => {
  const marks = ['<!-- measured: written by npm run bench -- --write -->', '<!-- end of measured -->'] as const
  const section = measuredSection(
    'npm run bench',
    [{ kind: 'requests', name: 'verified', title: 'One webhook', base: 'nginx-njs', outcomes: [base, gate] }],
    [machine()],
  )

  it('replaces what stands between the marks, however often', () => {
    const text = `before\n\n${marks[0]}\nold\n${marks[1]}\nafter\n`
    const once = replaceSection(text, section)
    expect(once).not.toContain('old')
    expect(once.startsWith(`before\n\n${marks[0]}\n\n\`npm run bench\``)).toBe(true)
    expect(once.endsWith(`${marks[1]}\nafter\n`)).toBe(true)
    expect(replaceSection(once, section)).toBe(once)
  })

  it('says what is missing where the marks are', () => {
    expect(() => replaceSection('no marks', section)).toThrow('has no part "measured"')
  })
})
