import { useState } from 'preact/hooks'
import { useDecisions } from './decisions.js'
import { clock, count, shown } from './format.js'
import { html } from './html.js'

/** @typedef {import('./decisions.js').Decision} Decision */

export const OUTCOMES = ['forwarded', 'duplicate', 'replied', 'refused', 'failed']

/**
 * What it is shown as: an upstream that answers with a 4xx has refused, and one with a 5xx has failed, whoever let the request
 * through.
 * @param {string} outcome @param {number} status
 */
export function kindOf(outcome, status) {
  if (outcome === 'refused' || outcome === 'failed') return outcome
  if (outcome !== 'forwarded' || status < 400) return 'ok'
  return status < 500 ? 'refused' : 'failed'
}

/** @param {{ routes: readonly string[], open: (decision: Decision) => void, paused: boolean, pause: () => void }} props */
export function Live({ routes, open, paused, pause }) {
  const [filter, set] = useState({ route: '', outcome: '', code: '', text: '' })
  const field = (/** @type {keyof typeof filter} */ name) => ({
    name,
    value: filter[name],
    onInput: (/** @type {{ currentTarget: { value: string } }} */ { currentTarget }) =>
      set({ ...filter, [name]: currentTarget.value }),
  })
  return html`<section aria-labelledby="live-title">
    <h1 id="live-title">Decisions</h1>
    <form class="filters" role="search" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
      <label>Source, path, principal or id <input type="search" data-filter spellcheck="false" ...${field('text')} /></label>
      <label>Route <select ...${field('route')}><option value="">any</option>${routes.map(name => html`<option key=${name}>${name}</option>`)}</select></label>
      <label>Outcome <select ...${field('outcome')}><option value="">any</option>${OUTCOMES.map(name => html`<option key=${name}>${name}</option>`)}</select></label>
      <label>Code begins with <input spellcheck="false" size="18" ...${field('code')} /></label>
      <button type="button" aria-pressed=${paused} onClick=${pause}>${paused ? 'Resume' : 'Pause'}</button>
    </form>
    <${Stream} filter=${filter} paused=${paused} open=${open} rows=${500} />
  </section>`
}

const STATES = { watching: 'watching', connecting: 'connecting', full: 'waiting: too many watch already' }

/** @param {{ filter: Record<string, string>, paused: boolean, open: (decision: Decision) => void, rows: number, narrow?: boolean }} props */
export function Stream({ filter, paused, open, rows, narrow = false }) {
  const { decisions, dropped, state } = useDecisions(filter, paused)
  const filtered = Object.values(filter).some(value => value !== '')
  return html`
    <p class="dim" role="status">
      ${paused ? 'paused' : STATES[state]}${dropped > 0 ? `; ${count(dropped)} not shown: they came too fast` : ''}
    </p>
    ${decisions.length === 0 && html`<p class="empty">${filtered ? 'Nothing seen here so far fits the filter.' : 'Nothing since the page was opened.'} Refused requests of before are among the <a href="#/captures">captures</a>.</p>`}
    ${
      decisions.length > 0 &&
      html`<table class=${narrow ? 'stream narrow' : 'stream'}>
        <thead><tr>
          <th scope="col">Time</th><th scope="col">Outcome</th>
          <th scope="col">Source</th><th scope="col">Request</th><th scope="col">Principal</th>
          <th scope="col" class="number">ms</th>
        </tr></thead>
        <tbody>${decisions.slice(0, rows).map(each => html`<${Row} key=${each['request-id']} decision=${each} open=${open} />`)}</tbody>
      </table>`
    }`
}

/** @param {{ decision: Decision, open: (decision: Decision) => void }} props */
function Row({ decision, open }) {
  const { msg, code, status, source, route, method, path, principal, ms } = decision
  const kind = kindOf(msg, status)
  return html`<tr class=${kind} onClick=${() => open(decision)}>
    <td class="time"><button type="button" class="open" data-row>${clock(decision.time)}</button></td>
    <td class="outcome"><span class=${`state ${kind}`}>${status || 'closed'} ${shown(code ?? msg)}</span></td>
    <td class="source">${shown(source)}</td>
    <td class="request"><bdi>${shown(method)} ${shown(path)}</bdi> <small>${shown(route ?? 'no route')}</small></td>
    <td class="who">${shown(principal ?? '')}</td>
    <td class="number ms">${ms < 10 ? ms.toFixed(1) : Math.round(ms)} <span class="unit">ms</span></td>
  </tr>`
}
