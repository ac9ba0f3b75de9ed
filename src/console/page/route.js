import { useMemo, useState } from 'preact/hooks'
import { usePoll } from './api.js'
import { CaptureTable } from './captures.js'
import { Chart } from './chart.js'
import { Checks } from './config.js'
import { count, seconds, share, shown } from './format.js'
import { html } from './html.js'
import { routeName, stateOf, tally, useRoutes } from './overview.js'

const EVERY = 10_000
/** Minutes shown, and minutes of one bar. */
const RANGES = /** @type {const} */ ([
  ['1 h', 60, 1],
  ['24 h', 1440, 10],
])

/** @param {{ name: string }} props */
export function RoutePage({ name }) {
  const { data: report } = useRoutes()
  const { data: history } = /** @type {{ data: import('../routes-api.ts').HistoryReport | undefined }} */ (
    usePoll(`api/history?route=${encodeURIComponent(name)}`, EVERY)
  )
  const [range, setRange] = useState(/** @type {typeof RANGES[number]} */ (RANGES[0]))
  const route = report?.routes.find(each => each.name === name)
  const state = route && stateOf(route)
  return html`<section aria-labelledby="route-title">
    <p><a href="#/">Routes</a></p>
    <h1 id="route-title">${routeName(name)} ${state && html`<span class=${`state ${state.kind}`}>${state.word}</span>`}</h1>
    <p class="dim">${shown(route?.match ?? '')}</p>
    ${route?.offline && html`<p class="notice" role="alert">${shown(route.offline)}</p>`}
    <div class="ranges" role="group" aria-label="Shown">
      ${RANGES.map(each => html`<button key=${each[0]} type="button" aria-pressed=${each === range} onClick=${() => setRange(each)}>${each[0]}</button>`)}
    </div>
    ${history?.from === undefined ? html`<p class="empty">It has heard nothing since the gate was started.</p>` : html`<${Charts} history=${history} range=${range} />`}
    ${route && html`<${Codes} route=${route} />`}
    <h2>Checks</h2>
    <${Checks} route=${name} />
    <h2>Captures</h2>
    <${CaptureTable} filter=${{ route: name }} limit=${20} />
  </section>`
}

/** @param {{ history: import('../routes-api.ts').HistoryReport, range: typeof RANGES[number] }} props */
function Charts({ history, range: [, minutes, bar] }) {
  const { counts, from, p50, p99 } = useMemo(() => {
    const all = history.p50?.length ?? 0
    const first = all - minutes
    const sums = { accepted: bars(minutes / bar), refused: bars(minutes / bar), failed: bars(minutes / bar) }
    for (const { outcome, values } of history.series ?? []) {
      const into = sums[outcome === 'refused' || outcome === 'failed' ? outcome : 'accepted']
      for (const [index, value] of values.slice(first).entries())
        into[Math.floor(index / bar)] = (into[Math.floor(index / bar)] ?? 0) + value
    }
    return {
      from: (history.from ?? 0) / 1000 + first * 60,
      counts: [
        { label: 'accepted', colour: '--ok', values: sums.accepted },
        { label: 'refused', colour: '--refused', values: sums.refused },
        { label: 'failed', colour: '--failed', values: sums.failed },
      ],
      p50: history.p50?.slice(first) ?? [],
      p99: history.p99?.slice(first) ?? [],
    }
  }, [history, minutes, bar])
  const lines = useMemo(
    () => [
      { label: 'p50', colour: '--ok', values: p50 },
      { label: 'p99', colour: '--refused', values: p99 },
    ],
    [p50, p99],
  )
  const total = (/** @type {readonly number[]} */ values) => count(values.reduce((sum, value) => sum + value, 0))
  const summary = counts.map(({ label, values }) => `${total(values)} ${label}`).join(', ')
  const highest = Math.max(...p99.map(value => value ?? 0))
  return html`<div class="charts">
    <${Chart} title=${bar === 1 ? 'Requests a minute' : `Requests in ${bar} minutes`} summary=${summary} from=${from} step=${bar * 60} lines=${counts} stacked />
    <${Chart} title="Latency" summary=${`p99 at most ${seconds(highest)}`} from=${from} step=${60} lines=${lines} format=${seconds} />
  </div>`
}

/** @param {number} length @returns {number[]} */
const bars = length => Array.from({ length }, () => 0)

/** @param {{ route: import('../routes-api.ts').RouteHealth }} props */
function Codes({ route }) {
  const now = new Map(tally(route.now).codes.map(({ code, count }) => [code, count]))
  const day = tally(route.day)
  const all = day.accepted + day.refused + day.failed
  if (day.codes.length === 0) return null
  return html`<h2>Refused and failed</h2>
    <table class="codes">
      <thead><tr><th scope="col">Code</th><th scope="col" class="number">5 min</th><th scope="col" class="number">24 h</th><th scope="col" class="number">Share</th><th></th></tr></thead>
      <tbody>${day.codes.map(
        ({ outcome, code, count: times }) => html`<tr key=${code}>
          <th scope="row">${code}</th>
          <td class="number">${count(now.get(code) ?? 0)}</td>
          <td class="number">${count(times)}</td>
          <td class="number">${share(times, all)}</td>
          <td class="bars"><meter class=${outcome} min="0" max=${all} value=${times} aria-label=${`share of ${code}`} /></td>
        </tr>`,
      )}</tbody>
    </table>`
}
