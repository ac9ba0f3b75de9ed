import { usePoll } from './api.js'
import { shown } from './format.js'
import { html } from './html.js'

/** Milliseconds: what failures have in common changes slowly, and takes some work to find out. */
const EVERY = 60_000

/**
 * What failures have in common, in a sentence each.
 * @param {{ route: string | undefined, limit: number }} props
 */
export function Patterns({ route, limit }) {
  const { data } = /** @type {{ data: import('../patterns-api.ts').PatternList | undefined }} */ (
    usePoll(route === undefined ? 'api/patterns' : `api/patterns?route=${encodeURIComponent(route)}`, EVERY)
  )
  const found = data?.patterns.slice(0, limit) ?? []
  if (found.length === 0) return null
  return html`<h2>What failures have in common</h2>
    <ul class="patterns">
      ${found.map(
        ({ route: where, code, sentence, because, mend, example }) => html`<li key=${`${where} ${code}`}>
          <span class="state refused">${shown(code)}</span> ${route === undefined && html`<a href=${`#/routes/${encodeURIComponent(where)}`}>${where === '' ? '(no route)' : where}</a>`}
          <div>${shown(sentence)}</div>
          ${because && html`<div>because ${shown(because)}</div>`}
          ${mend && html`<div class="dim">${shown(mend)} ${example && html`<a href=${`#/requests/${example}`}>See one of them</a>`}</div>`}
        </li>`,
      )}
    </ul>`
}
