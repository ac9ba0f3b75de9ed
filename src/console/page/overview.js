import { usePoll } from './api.js'
import { DayBars } from './chart.js'
import { count, seconds, share, shown, span } from './format.js'
import { html } from './html.js'
import { Stream } from './live.js'

/** @typedef {import('../routes-api.ts').RouteHealth} RouteHealth */
/** @typedef {import('../../observe/history.ts').Span} Span */

/** Milliseconds between two looks. */
const EVERY = 5000

export const useRoutes = () => {
  const poll = usePoll('api/routes', EVERY)
  return /** @type {{ data: import('../routes-api.ts').RoutesReport | undefined, error: string | undefined, at: number }} */ (
    poll
  )
}

/**
 * @param {Span | null} span
 * @returns {{ accepted: number, refused: number, failed: number, codes: { outcome: string, code: string, count: number }[] }}
 */
export function tally(span) {
  const sums = { accepted: 0, refused: 0, failed: 0 }
  for (const { outcome, count } of span?.outcomes ?? [])
    sums[outcome === 'refused' || outcome === 'failed' ? outcome : 'accepted'] += count
  const codes = (span?.outcomes ?? []).filter(({ code }) => code !== '').sort((a, b) => b.count - a.count)
  return { ...sums, codes }
}

/**
 * How a route does, in a word: by what is worst.
 * @param {RouteHealth} route
 * @returns {{ word: string, kind: 'failed' | 'refused' | 'ok' | 'quiet' }}
 */
export function stateOf({ offline, now }) {
  const { accepted, refused, failed } = tally(now)
  const all = accepted + refused + failed
  if (offline !== null) return { word: 'offline', kind: 'failed' }
  if (all === 0) return { word: 'quiet', kind: 'quiet' }
  if (failed > 0) return { word: `failing ${share(failed, all)}`, kind: 'failed' }
  if (refused > 0) return { word: `refusing ${share(refused, all)}`, kind: 'refused' }
  return { word: 'ok', kind: 'ok' }
}

export const routeName = (/** @type {string} */ name) => (name === '' ? '(no route)' : name)

/** @param {{ gate: import('../gate-api.ts').GateReport | undefined, open: (decision: import('./decisions.js').Decision) => void, paused: boolean }} props */
export function Overview({ gate, open, paused }) {
  const { data, error } = useRoutes()
  return html`<div class="split">
    <section aria-labelledby="routes-title">
      <${Figures} routes=${data?.routes ?? []} gate=${gate} />
      <h2 id="routes-title">Routes</h2>
      ${error && html`<p class="notice" role="alert">${error}</p>`}
      ${data && html`<${RouteTable} report=${data} />`}
    </section>
    <section class="rail" aria-labelledby="stream-title">
      <h2 id="stream-title"><a href="#/live">Decisions</a></h2>
      <${Stream} filter=${{}} paused=${paused} open=${open} rows=${40} narrow />
    </section>
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
  const soon = left === undefined ? '' : left <= 7 * 86_400 ? 'failed' : left <= 30 * 86_400 ? 'refused' : ''
  return html`<dl class="figures">
    <${Figure} name="Accepted, 5 min" value=${count(sum('accepted'))} kind=${sum('accepted') > 0 ? 'ok' : ''} />
    <${Figure} name="Refused, 5 min" value=${count(sum('refused'))} note=${share(sum('refused'), all)} kind=${sum('refused') > 0 ? 'refused' : ''} />
    <${Figure} name="Failed, 5 min" value=${count(sum('failed'))} note=${share(sum('failed'), all)} kind=${sum('failed') > 0 ? 'failed' : ''} />
    <${Figure} name="Slowest p99" value=${seconds(worst || null)} />
    <${Figure} name="Offline routes" value=${offline} kind=${offline > 0 ? 'failed' : ''} />
    <${Figure} name="Waiting, breakers open" value=${`${count(waiting)}, ${open}`} kind=${open > 0 ? 'failed' : ''} />
    <${Figure} name="Next to end" value=${left === undefined ? '–' : left <= 0 ? 'ended' : span(left)} note=${shown(soonest?.name ?? '')} kind=${soon} />
  </dl>`
}

/** @param {{ name: string, value: string | number, note?: string, kind?: string }} props */
function Figure({ name, value, note = '', kind = '' }) {
  return html`<div class=${kind}><dt>${name}</dt><dd>${value} ${note && html`<small>${note}</small>`}</dd></div>`
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
  return html`<tr>
    <th scope="row">
      <a data-row href=${`#/routes/${encodeURIComponent(route.name)}`}>${routeName(route.name)}</a>
      <small>${shown(route.match)}</small>
    </th>
    <td><span class=${`state ${state.kind}`} title=${route.offline ?? ''}>${state.word}</span></td>
    <td class="bars"><${DayBars} bars=${route.bars} /></td>
    <${Cell} value=${now.accepted} label="accepted, 5 min" />
    <${Cell} value=${now.refused} kind="refused" label="refused, 5 min" />
    <${Cell} value=${now.failed} kind="failed" label="failed, 5 min" />
    <${Cell} value=${day.accepted} label="accepted, 24 h" />
    <${Cell} value=${day.refused} kind="refused" label="refused, 24 h" codes=${day.codes.filter(({ outcome }) => outcome === 'refused')} />
    <${Cell} value=${day.failed} kind="failed" label="failed, 24 h" codes=${day.codes.filter(({ outcome }) => outcome === 'failed')} />
    <td class="number" data-label="p50, p99, 5 min">${seconds(route.now?.p50)} <span class="dim">${seconds(route.now?.p99)}</span></td>
    <td class="number" data-label="p50, p99, 24 h">${seconds(route.day?.p50)} <span class="dim">${seconds(route.day?.p99)}</span></td>
  </tr>`
}

/** @param {{ value: number, label: string, kind?: string, codes?: readonly { code: string, count: number }[] }} props */
function Cell({ value, label, kind = '', codes = [] }) {
  const [first, ...rest] = codes
  return html`<td class=${`number ${value > 0 ? kind : ''}`} data-label=${label}>
    ${count(value)}
    ${first && html`<small>${first.code}${rest.length > 0 ? ` +${rest.length}` : ''}</small>`}
  </td>`
}
