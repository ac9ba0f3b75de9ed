import { useState } from 'preact/hooks'
import { usePoll } from './api.js'
import { count, moment, shown, size } from './format.js'
import { html } from './html.js'
import { kindOf } from './live.js'
import { useSettled } from './settled.js'

const EVERY = 5000
/** Milliseconds after the last key. */
const SETTLED = 300

/** @param {{ routes: readonly string[] }} props */
export function Captures({ routes }) {
  const [filter, set] = useState({ route: '', code: '' })
  const { route, code } = useSettled(filter, SETTLED)
  return html`<section aria-labelledby="captures-title">
    <h1 id="captures-title">Captures</h1>
    <form class="filters" role="search" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
      <label>Code <input data-filter type="search" spellcheck="false" value=${filter.code} onInput=${(/** @type {{ currentTarget: { value: string } }} */ event) => set({ ...filter, code: event.currentTarget.value })} /></label>
      <label>Route <select value=${filter.route} onInput=${(/** @type {{ currentTarget: { value: string } }} */ event) => set({ ...filter, route: event.currentTarget.value })}>
        <option value="">any</option>${routes.map(name => html`<option key=${name}>${name}</option>`)}
      </select></label>
    </form>
    <${CaptureTable} filter=${{ route, code: code.trim() }} limit=${200} />
  </section>`
}

/** @param {{ filter: Record<string, string>, limit: number }} props */
export function CaptureTable({ filter, limit }) {
  const given = Object.entries(filter).filter(([, value]) => value !== '')
  const query = new URLSearchParams([...given, ['limit', String(limit)]])
  const { data, error } =
    /** @type {{ data: import('../captures-api.ts').CaptureList | undefined, error: string | undefined }} */ (
      usePoll(`api/captures?${query}`, EVERY)
    )
  if (data === undefined) return html`<p class="dim" role="status">${error ?? ''}</p>`
  return html`
    <p class="dim">${given.length > 0 ? `${fitting(data.captures.length, limit)}; of all routes ` : ''}${count(data.kept)} kept, ${size(data.bytes)}${data.missed > 0 ? `; ${count(data.missed)} not kept: too many like them came at once` : ''}</p>
    ${
      data.captures.length === 0
        ? html`<p class="empty">${data.kept > 0 ? 'None of those that are kept fits.' : 'No refused or failed request is kept.'}</p>`
        : html`<table class="stream">
          <thead><tr>
            <th scope="col">Time</th><th scope="col">Outcome</th><th scope="col">Source</th><th scope="col">Request</th><th scope="col" class="number">Body</th>
          </tr></thead>
          <tbody>${data.captures.map(each => html`<${Row} key=${each.id} capture=${each} />`)}</tbody>
        </table>`
    }`
}

/** @param {number} found @param {number} limit */
const fitting = (found, limit) => (found < limit ? `${count(found)} shown` : `the latest ${count(found)} shown`)

/** @param {{ capture: import('../captures-api.ts').CaptureSummary }} props */
function Row({ capture }) {
  const { id, time, outcome, code, status, source, method, path, route, bytes } = capture
  const would = outcome === 'forwarded' && capture['would-refuse'].length > 0
  const kind = would ? 'would' : kindOf(outcome, status)
  const open = () => {
    location.hash = `#/requests/${id}`
  }
  return html`<tr class=${kind} onClick=${open}>
    <td class="time"><a class="open" data-row href=${`#/requests/${id}`}>${moment(time)}</a></td>
    <td class="outcome"><span class=${`state ${kind}`}>${status || 'closed'} ${would ? 'would refuse: ' : ''}${shown(code)}</span></td>
    <td class="source">${shown(source)}</td>
    <td class="request"><bdi>${shown(method)} ${shown(path)}</bdi> <small>${shown(route ?? 'no route')}</small></td>
    <td class="number ms">${size(bytes)}</td>
  </tr>`
}
