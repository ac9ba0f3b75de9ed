import { useMemo } from 'preact/hooks'
import { Chart, DayBars } from './chart.js'
import { count, ENDING, seconds, share, shown, span } from './format.js'
import { RANGES, requestsOf, routeName, stateOf, tally, useHistory, useRoutes } from './health.js'
import { html } from './html.js'
import { Stream } from './live.js'
import { Patterns } from './patterns.js'

/** @typedef {import('../routes-api.ts').RouteHealth} RouteHealth */

/** @param {{ gate: import('../gate-api.ts').GateReport | undefined, open: (decision: import('./decisions.js').Decision) => void, paused: boolean }} props */
export function Overview({ gate, open, paused }) {
  const { data, error } = useRoutes()
  return html`<div class="split">
    <section class="overview" aria-labelledby="routes-title">
      <${Figures} routes=${data?.routes ?? []} gate=${gate} />
      <${Traffic} />
      <h2 id="routes-title">Routes</h2>
      ${error && html`<p class="notice" role="alert">${error}</p>`}
      ${data && html`<${RouteTable} report=${data} />`}
      <${Patterns} route=${undefined} limit=${5} />
    </section>
    <section class="rail" aria-labelledby="stream-title">
      <h2 id="stream-title"><a href="#/live">Decisions</a></h2>
      <${Stream} filter=${{}} paused=${paused} open=${open} rows=${40} narrow />
    </section>
  </div>`
}

/** All routes together, in the last hour and in the last day. */
function Traffic() {
  const { data: history } = useHistory(undefined)
  const charts = useMemo(() => RANGES.map(range => requestsOf(history, range)), [history])
  return html`<div class="charts">
    ${charts.map(each => each && html`<${Chart} key=${each.title} ...${each} height=${130} stacked />`)}
  </div>`
}

/** @param {{ routes: readonly RouteHealth[], gate: import('../gate-api.ts').GateReport | undefined }} props */
function Figures({ routes, gate }) {
  const sums = routes.map(({ now }) => tally(now))
  const sum = (/** @type {'accepted' | 'refused' | 'failed'} */ kind) =>
    sums.reduce((total, each) => total + each[kind], 0)
  const all = sum('accepted') + sum('refused') + sum('failed')
  const worst = Math.max(0, ...routes.map(({ now }) => now?.p99 ?? 0))
  const offline = routes.filter(route => route.offline !== null).length
  const waiting = gate?.bridges.reduce((total, { waiting }) => total + (waiting ?? 0), 0) ?? 0
  const open = gate?.bridges.filter(({ breaker }) => breaker === 'open' || breaker === 'half-open').length ?? 0
  const [soonest] = gate?.expiries ?? []
  const left = soonest && (Date.parse(soonest.at) - Date.now()) / 1000
  const soon = soonest ? ENDING[soonest.nearness] : ''
  return html`<dl class="figures">
    <${Figure} name="Accepted, 5 min" value=${count(sum('accepted'))} kind=${sum('accepted') > 0 ? 'ok' : ''} />
    <${Figure} name="Refused, 5 min" value=${count(sum('refused'))} note=${share(sum('refused'), all)} kind=${sum('refused') > 0 ? 'refused' : ''} />
    <${Figure} name="Failed, 5 min" value=${count(sum('failed'))} note=${share(sum('failed'), all)} kind=${sum('failed') > 0 ? 'failed' : ''} />
    <${Figure} name="Slowest p99" value=${seconds(worst || null)} />
    <${Figure} name="Offline routes" value=${offline} kind=${offline > 0 ? 'failed' : ''} />
    <${Figure} name="Waiting, broken" value=${`${count(waiting)}, ${open}`} kind=${open > 0 ? 'failed' : ''} />
    <${Figure} name="Next to end" value=${left === undefined ? '–' : left <= 0 ? 'ended' : span(left)} note=${shown(soonest?.name ?? '')} kind=${soon} long />
  </dl>`
}

/** @param {{ name: string, value: string | number, note?: string, kind?: string, long?: boolean }} props */
function Figure({ name, value, note = '', kind = '', long = false }) {
  return html`<div class=${long ? `${kind} name` : kind}><dt>${name}</dt><dd>${value} ${note && html`<small>${note}</small>`}</dd></div>`
}

/** @param {{ report: import('../routes-api.ts').RoutesReport }} props */
function RouteTable({ report }) {
  return html`<table class="routes">
    <thead>
      <tr>
        <th scope="col" rowspan="2">Route</th>
        <th scope="col" rowspan="2">Now</th>
        <th scope="col" rowspan="2">Last 24 h</th>
        <th scope="colgroup" colspan="3">${report['now-minutes']} min</th>
        <th scope="colgroup" colspan="3">24 h</th>
        <th scope="colgroup" colspan="2">p50, p99</th>
      </tr>
      <tr>
        ${[
          'accepted',
          'refused',
          'failed',
          'accepted',
          'refused',
          'failed',
          `${report['now-minutes']} min`,
          '24 h',
        ].map((name, index) => html`<th scope="col" class="number" key=${index}>${name}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${report.routes.map(route => html`<${RouteRow} key=${route.name} route=${route} />`)}
    </tbody>
  </table>`
}

/** @param {{ route: RouteHealth }} props */
function RouteRow({ route }) {
  const now = tally(route.now)
  const day = tally(route.day)
  const state = stateOf(route)
  const said = route.offline ?? now.codes[0]?.code ?? ''
  return html`<tr>
    <th scope="row">
      <a data-row href=${`#/routes/${encodeURIComponent(route.name)}`}>${routeName(route.name)}</a>
      <small>${shown(route.match)}</small>
    </th>
    <td><span class=${`state ${state.kind}`}>${state.word}</span>${said !== '' && html`<small>${breakable(shown(said))}</small>`}</td>
    <td class="bars"><${DayBars} bars=${route.bars} /></td>
    <${Cell} value=${now.accepted} label="accepted" />
    <${Cell} value=${now.refused} kind="refused" label="refused" />
    <${Cell} value=${now.failed} kind="failed" label="failed" />
    <${Cell} value=${day.accepted} label="24 h" />
    <${Cell} value=${day.refused} kind="refused" label="24 h" />
    <${Cell} value=${day.failed} kind="failed" label="24 h" />
    <td class="number latency" data-label="p50, p99">${seconds(route.now?.p50)} <span class="dim">${seconds(route.now?.p99)}</span></td>
    <td class="number latency day-number" data-label="24 h">${seconds(route.day?.p50)} <span class="dim">${seconds(route.day?.p99)}</span></td>
  </tr>`
}

/** A text that may go on in the next line behind a dot or a slash. @param {string} text */
const breakable = text => text.split(/(?<=[./])/).map(part => html`${part}<wbr />`)

/** @param {{ value: number, label: string, kind?: string }} props */
function Cell({ value, label, kind = '' }) {
  return html`<td class=${`number ${value > 0 ? kind : ''} ${label === '24 h' ? 'day-number' : ''}`} data-label=${label}>
    ${count(value)}
  </td>`
}
