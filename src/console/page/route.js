import { useMemo, useState } from 'preact/hooks'
import { CaptureTable } from './captures.js'
import { Chart } from './chart.js'
import { Checks } from './config.js'
import { count, seconds, share, shown } from './format.js'
import { RANGES, requestsOf, routeName, stateOf, tally, useHistory, useRoutes } from './health.js'
import { html } from './html.js'
import { Patterns } from './patterns.js'

/** @param {{ name: string }} props */
export function RoutePage({ name }) {
  const { data: report } = useRoutes()
  const { data: history } = useHistory(name)
  const [range, setRange] = useState(/** @type {import('./health.js').Range} */ (RANGES[0]))
  const route = report?.routes.find(each => each.name === name)
  const state = route && stateOf(route)
  // What fits no route has no name, and is listed once there was a request of it.
  if (report && route === undefined && name !== '') return html`<${NoRoute} name=${name} />`
  return html`<section aria-labelledby="route-title">
    <p><a href="#/">Routes</a></p>
    <h1 id="route-title">${routeName(name)} ${state && html`<span class=${`state ${state.kind}`}>${state.word}</span>`}</h1>
    <p class="dim">${shown(route?.match ?? '')}</p>
    ${route?.offline && html`<p class="notice" role="alert">${shown(route.offline)}</p>`}
    <div class="ranges" role="group" aria-label="Shown">
      ${RANGES.map(each => html`<button key=${each[0]} type="button" aria-pressed=${each === range} onClick=${() => setRange(each)}>${each[0]}</button>`)}
    </div>
    ${history && history.from === undefined && html`<p class="empty">It has heard nothing since the gate was started.</p>`}
    ${history?.from !== undefined && html`<${Charts} history=${history} range=${range} />`}
    ${route && html`<${Codes} route=${route} />`}
    <${Patterns} route=${name} limit=${10} />
    <h2>Checks</h2>
    <${Checks} route=${name} />
    <h2>Captures</h2>
    <${CaptureTable} filter=${{ route: name }} limit=${20} />
  </section>`
}

/** It may have been there: what was kept of it is still to be had. @param {{ name: string }} props */
const NoRoute = ({ name }) => html`<section aria-labelledby="route-title">
  <p><a href="#/">Routes</a></p>
  <h1 id="route-title">${shown(name)}</h1>
  <p class="notice" role="alert">The config in force has no route of this name.</p>
  <h2>Captures</h2>
  <${CaptureTable} filter=${{ route: name }} limit=${20} />
</section>`

/** @param {{ history: import('./health.js').HistoryReport, range: import('./health.js').Range }} props */
function Charts({ history, range }) {
  const requests = useMemo(() => requestsOf(history, range), [history, range])
  const [name, minutes] = range
  const lines = useMemo(
    () => [
      { label: 'p50', colour: '--ok', values: history.p50?.slice(-minutes) ?? [] },
      { label: 'p99', colour: '--refused', values: history.p99?.slice(-minutes) ?? [] },
    ],
    [history, minutes],
  )
  const highest = Math.max(0, ...(lines[1]?.values ?? []).map(value => value ?? 0))
  const from = (history.from ?? 0) / 1000 + ((history.p50?.length ?? 0) - minutes) * 60
  return html`<div class="charts">
    ${requests && html`<${Chart} ...${requests} stacked />`}
    <${Chart} title=${`Latency, ${name}`} summary=${`p99 at most ${seconds(highest)}`} from=${from} step=${60} lines=${lines} format=${seconds} />
  </div>`
}

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
