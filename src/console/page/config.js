import { usePoll } from './api.js'
import { dateTime, flow, shown, shownLines } from './format.js'
import { html } from './html.js'

const EVERY = 60_000

/** @returns {{ data: import('../../config/plan.ts').Plan | undefined, error: string | undefined }} */
export const usePlan = () => usePoll('api/config', EVERY)

/** @param {{ gate: import('../gate-api.ts').GateReport | undefined }} props */
export function ConfigPage({ gate }) {
  const { data: plan, error } = usePlan()
  return html`<section aria-labelledby="config-title">
    <h1 id="config-title">Config</h1>
    ${error && html`<p class="notice" role="alert">${error}</p>`}
    <p class="dim">${shown(plan?.file ?? '')}: in force, with every default. Secrets are references and fingerprints.</p>
    <h2>Reloads</h2>
    ${gate && html`<${Reloads} reloads=${gate.reloads} />`}
    <h2>Listeners</h2>
    ${plan?.listeners.map(({ name, ...rest }) => html`<${Settings} key=${name} name=${shown(name)} settings=${rest} />`)}
    ${plan?.admin && html`<${Settings} name="admin" settings=${plan.admin} />`}
    <h2>Gate</h2>
    ${plan && html`<${Table} rows=${[{ key: 'workers', stage: '', value: plan.workers }]} />`}
    ${plan && html`<${WholeGate} plan=${plan} />`}
    <h2>Routes</h2>
    ${plan?.routes.map(({ name }) => html`<details key=${name}><summary data-row>${name}</summary><${Checks} route=${name} /></details>`)}
  </section>`
}

/** What is of no listener and no route. @param {{ plan: import('../../config/plan.ts').Plan }} props */
const WholeGate = ({ plan }) =>
  html`${
    /** @type {const} */ (['captures', 'alerts', 'telemetry'])
      .filter(name => plan[name] !== undefined)
      .map(name => html`<${Settings} key=${name} name=${name} settings=${plan[name]} />`)
  }`

/** @param {{ name: string, settings: Readonly<Record<string, unknown>> }} props */
const Settings = ({ name, settings }) => html`<details>
  <summary data-row>${name} <span class="dim">${shown(settings.bind ?? '')}</span></summary>
  <${Table} rows=${Object.entries(settings).map(([key, value]) => ({ key, stage: '', value }))} />
</details>`

/** What a route does, in its order. @param {{ route: string }} props */
export function Checks({ route }) {
  const { data: plan } = usePlan()
  const planned = plan?.routes.find(({ name }) => name === route)
  if (planned === undefined) return null
  return html`<${Table} rows=${[
    { key: 'match', stage: '', value: planned.match },
    { key: 'listener', stage: '', value: planned.listener ?? 'every listener' },
    ...(planned['public-url'] === null ? [] : [{ key: 'public-url', stage: '', value: planned['public-url'] }]),
    ...planned.checks.map(({ check, stage, settings, implied, report }) => ({
      key: check,
      stage: [stage, ...(implied ? ['default'] : []), ...(report ? ['reports only'] : [])].join(', '),
      value: settings,
    })),
    { key: 'forward', stage: '', value: planned.forward },
  ]} />`
}

/** @param {{ rows: readonly { key: string, stage: string, value: unknown }[] }} props */
const Table = ({ rows }) => html`<table class="settings"><tbody>
  ${rows.map(({ key, stage, value }, index) => html`<tr key=${index}><th scope="row">${shown(key)} <small>${stage}</small></th><td><code>${flow(value)}</code></td></tr>`)}
</tbody></table>`

const CAUSES = { start: 'start', signal: 'SIGHUP', files: 'changed:' }

/** @param {{ reloads: import('../gate-api.ts').GateReport['reloads'] }} props */
const Reloads = ({ reloads }) => html`<table class="log">
  <thead><tr><th scope="col">Time</th><th scope="col">Cause</th><th scope="col">Result</th></tr></thead>
  <tbody>${reloads.map(
    ({ at, cause, files, routes, reason }, index) => html`<tr key=${index}>
      <td>${dateTime(at)}</td>
      <td>${CAUSES[cause]} ${files.map(shown).join(', ')}</td>
      <td>${
        reason === null
          ? html`<span class="state ok">${routes} ${routes === 1 ? 'route' : 'routes'}</span>`
          : html`<span class="state failed">refused</span><pre tabindex="0" aria-label="Reason">${shownLines(reason)}</pre>`
      }</td>
    </tr>`,
  )}</tbody>
</table>`
