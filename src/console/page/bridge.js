import { usePlan } from './config.js'
import { count, flow, shown, span } from './format.js'
import { html } from './html.js'

const BREAKER = { closed: 'ok', 'half-open': 'refused', open: 'failed' }

/** @param {{ gate: import('../gate-api.ts').GateReport | undefined }} props */
export function BridgePage({ gate }) {
  const { data: plan } = usePlan()
  /** @param {string} name @returns {Record<string, unknown>} */
  const forwardOf = name => {
    const forward = plan?.routes.find(route => route.name === name)?.forward
    return typeof forward === 'object' && forward !== null ? { ...forward } : {}
  }
  return html`<section aria-labelledby="bridge-title">
    <h1 id="bridge-title">Bridge</h1>
    ${
      gate?.bridges.length === 0
        ? html`<p class="empty">No route paces, retries, breaks or authenticates on the way out.</p>`
        : html`<table class="cards">
          <thead><tr>
            <th scope="col">Route</th><th scope="col">Breaker</th><th scope="col" class="number">Waiting</th><th scope="col" class="number">Sent again</th><th scope="col">Tokens</th><th scope="col">Pace</th><th scope="col">To</th>
          </tr></thead>
          <tbody>${gate?.bridges.map(
            ({ route, waiting, retries, breaker, tokens }) => html`<tr key=${route}>
              <th scope="row"><a data-row href=${`#/routes/${encodeURIComponent(route)}`}>${route}</a></th>
              <td data-label="breaker">${breaker ? html`<span class=${`state ${BREAKER[breaker]}`}>${breaker}</span>` : html`<span class="dim">none</span>`}</td>
              <td class="number" data-label="waiting">${waiting === null ? '–' : count(waiting)}</td>
              <td class="number" data-label="sent again">${count(retries)}</td>
              <td data-label="tokens">${tokens ? html`${count(tokens.fetched)} fetched${tokens.failed > 0 ? html`, <span class="failed">${count(tokens.failed)} failed</span>` : ''}` : html`<span class="dim">none</span>`}</td>
              <td class="whole" data-label="pace"><code>${flow(forwardOf(route).pace ?? null)}</code></td>
              <td class="whole" data-label="to"><code>${shown(forwardOf(route).to ?? '')}</code></td>
            </tr>`,
          )}</tbody>
        </table>`
    }
    <h2>Documents by URL</h2>
    ${
      gate?.documents.length === 0
        ? html`<p class="empty">No check uses one.</p>`
        : html`<table class="cards">
          <thead><tr><th scope="col">Document</th><th scope="col">Confirmed</th><th scope="col" class="number">Fetched</th><th scope="col" class="number">Unchanged</th><th scope="col" class="number">Failed</th></tr></thead>
          <tbody>${gate?.documents.map(
            each => html`<tr key=${each.document}>
              <th scope="row"><span data-row tabindex="-1">${shown(each.document)}</span></th>
              <td data-label="confirmed">${each['age-seconds'] === null ? html`<span class="state failed">no copy</span>` : `${span(each['age-seconds'])} ago`}</td>
              <td class="number" data-label="fetched">${count(each.fetched)}</td><td class="number" data-label="unchanged">${count(each.unchanged)}</td>
              <td data-label="failed" class=${`number ${each.failed > 0 ? 'failed' : ''}`}>${count(each.failed)}</td>
            </tr>`,
          )}</tbody>
        </table>`
    }
  </section>`
}
