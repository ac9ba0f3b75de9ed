import { useState } from 'preact/hooks'
import { dateTime, ENDING, shown, span } from './format.js'
import { html } from './html.js'

/** @param {{ gate: import('../gate-api.ts').GateReport | undefined }} props */
export function Expiries({ gate }) {
  return html`<section aria-labelledby="expiries-title">
    <h1 id="expiries-title">What ends</h1>
    ${
      gate?.expiries.length === 0
        ? html`<p class="empty">Nothing in the config has an end.</p>`
        : html`<table class="cards">
          <thead><tr><th scope="col">Ends</th><th scope="col">In</th><th scope="col">What</th><th scope="col">Mend</th></tr></thead>
          <tbody>${gate?.expiries.map(expiry => html`<${Row} key=${`${expiry.kind} ${expiry.name}`} expiry=${expiry} />`)}</tbody>
        </table>`
    }
    ${gate && html`<${Subscribe} path=${gate.calendar} />`}
  </section>`
}

/** @param {{ expiry: import('../gate-api.ts').GateReport['expiries'][number] }} props */
function Row({ expiry: { kind, name, at, nearness, remedy } }) {
  const left = Date.parse(at) - Date.now()
  return html`<tr>
    <td class="half"><time datetime=${at} data-row tabindex="-1">${dateTime(at)}</time></td>
    <td class="half"><span class=${`state ${ENDING[nearness] || 'ok'}`}>${left <= 0 ? `ended ${span(left / 1000)} ago` : span(left / 1000)}</span></td>
    <td class="whole">${kind} <bdi>${shown(name)}</bdi></td>
    <td class="whole dim">${nearness === 'ok' ? '' : shown(remedy)}</td>
  </tr>`
}

/** @param {{ path: string }} props */
function Subscribe({ path }) {
  const [copied, set] = useState(false)
  const url = new URL(path, location.href).href
  const copy = () => navigator.clipboard?.writeText(url).then(() => set(true))
  return html`<h2>Calendar</h2>
    <form class="filters" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
      <label class="wide">Subscribe to <input readonly value=${url} onFocus=${(/** @type {{ currentTarget: HTMLInputElement }} */ event) => event.currentTarget.select()} /></label>
      <button type="button" onClick=${copy}>${copied ? 'Copied' : 'Copy'}</button>
    </form>
    <p class="dim">Whoever has this URL can read what is on this page, and nothing else. It ends with the admin token.</p>`
}
