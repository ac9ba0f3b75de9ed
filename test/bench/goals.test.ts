import { describe, expect, it } from 'vitest'
import { measuredSection } from '../../bench/document.ts'
import { type Figures, figuresMarkdown, figuresText } from '../../bench/figures.ts'
import { goalsText, judge, type Result } from '../../bench/goals.ts'
import type { Sample } from '../../bench/measure.ts'
import type { Outcome } from '../../bench/report.ts'

const sample = (cpuUs: number): Sample => ({
  cpuUs,
  perSecond: 1e6 / cpuUs,
  p50: cpuUs * 30,
  p99: cpuUs * 60,
  resident: 20e6,
  busy: 1,
})

function outcome(peer: string, costs: readonly number[]): Outcome {
  return { peer, title: peer, note: '', version: '1', atRest: 0, startMs: 0, samples: costs.map(sample) }
}

function work(name: string, base: string, costs: Readonly<Record<string, readonly number[]>>): Result {
  const outcomes = Object.entries(costs).map(([peer, values]) => outcome(peer, values))
  return { kind: 'requests', name, title: name, base, outcomes }
}

const idle: Figures = {
  kind: 'figures',
  name: 'idle',
  title: 'Idle',
  columns: ['plain, KiB', 'TLS, KiB'],
  rows: [
    { peer: 'sallyport', title: 'Sallyport', version: '1', values: [[11.5, 12, 12.5], [40]] },
    { peer: 'haproxy', title: 'HAProxy', version: undefined, problem: 'not installed', values: [] },
  ],
  notes: ['10 connections.'],
}

const judged = (results: readonly Result[]) =>
  judge(results).map(({ goal, figure, met }) => [goal.text, Number(figure.toFixed(3)), met])

describe('the goals', () => {
  it('are judged by the rounds that ran next to each other', () => {
    expect(judged([work('tls', 'nginx-njs', { 'nginx-njs': [100, 200, 100], sallyport: [120, 230, 130] })])).toEqual([
      ['TLS, kept connections: CPU a request', 1.2, true],
    ])
  })

  it('hold a refusal against an accepted webhook of the same run, and Express by its rate', () => {
    const verified = work('verified', 'nginx-njs', { 'nginx-njs': [100], sallyport: [150], express: [450] })
    const forged = work('forged', 'nginx-njs', { 'nginx-njs': [60], sallyport: [100] })
    expect(judged([verified, forged])).toEqual([
      ['verified webhook, 1 KB: CPU a request', 1.5, false],
      ['verified webhook, 1 KB: requests/s', 3, false],
      ['refused at the signature: CPU a request', 0.667, false],
    ])
  })

  it('take the median of figures in units of their own', () => {
    expect(judged([idle])).toEqual([['memory of an idle connection, plain', 12, true]])
  })

  it('are not judged where something that they need was not measured', () => {
    expect(judge([])).toEqual([])
    expect(judge([work('forged', 'nginx-njs', { 'nginx-njs': [60], sallyport: [100] })])).toEqual([])
    expect(judge([work('tls', 'nginx-njs', { sallyport: [100] })])).toEqual([])
  })

  it('compare the two sizes of the gate', () => {
    expect(judged([work('scale', 'scale-one', { 'scale-one': [100], 'scale-many': [110] })])).toEqual([
      ['many routes, networks, tokens and keys: CPU a request', 1.1, false],
    ])
  })

  it('hold the gate that keeps what it refuses against one that keeps nothing', () => {
    expect(judged([work('captures', 'captures-off', { 'captures-off': [100], 'captures-on': [104] })])).toEqual([
      ['half refused, captures on: CPU a request', 1.04, true],
    ])
  })

  it('say yes or no', () => {
    const lines = goalsText(judge([idle])).split('\n')
    expect(lines[1]?.split(/ {2,}/)).toEqual(['memory of an idle connection, plain', '<= 12 KiB', '12', 'yes'])
  })
})

describe('figures', () => {
  it('show the median with its spread, and why a peer has none', () => {
    expect(figuresText(idle).split('\n')).toEqual([
      '                 plain, KiB  TLS, KiB',
      'Sallyport  12.0 (11.5-12.5)      40.0',
      'HAProxy: not installed',
      '10 connections.',
    ])
    expect(figuresMarkdown(idle)).toContain('| HAProxy | not installed |  |')
  })

  it('stand in the document with the goals that were judged', () => {
    const section = measuredSection('npm run bench', [idle], ['a machine'])
    expect(section).toContain('### Goals\n\n|  | goal | figure | reached |')
    expect(section).toContain('| Sallyport 1 | 12.0 (11.5-12.5) | 40.0 |')
  })
})
