import { useEffect, useRef, useState } from 'preact/hooks'
import { ask, captures, Refused, useOnce } from './api.js'
import { Chain } from './explanation.js'
import { clock, dateTime, flow, shown, shownLines, size } from './format.js'
import { html } from './html.js'
import { kindOf } from './live.js'

/** @typedef {import('./decisions.js').Decision} Decision */

/**
 * One request opened: what was decided, the chain of checks, and the request where it was kept.
 * @param {{ id: string, decision: Decision | undefined, actions: boolean, close: () => void }} props
 */
export function DecisionDialog({ id, decision, actions, close }) {
  const box = useRef(/** @type {HTMLDialogElement | null} */ (null))
  useEffect(() => {
    box.current?.showModal()
  }, [])
  const kept = useOnce(() => captures.one(id), id)
  const explained = useOnce(
    () =>
      decision && kindOf(decision.msg, decision.status) === 'ok' && decision['would-refuse'] === undefined
        ? passed(decision)
        : captures.explain(id),
    id,
  )
  const capture = kept.data
  const outcome = decision?.msg ?? capture?.outcome ?? ''
  const status = decision?.status ?? capture?.status
  const code = decision?.code ?? capture?.code
  return html`<dialog ref=${box} class="decision" aria-labelledby="decision-title" onClose=${close}>
    <header>
      <h2 id="decision-title">${
        decision || capture
          ? html`<span class=${`state ${kindOf(outcome, status ?? 0)}`}>${status || 'closed'} ${shown(code ?? outcome)}</span>`
          : html`Request <span class="dim">${shown(id)}</span>`
      }</h2>
      <button type="button" onClick=${() => box.current?.close()}>Close</button>
    </header>
    ${decision ? html`<${Facts} decision=${decision} />` : capture && html`<${KeptFacts} capture=${capture} />`}
    ${!decision && kept.error && html`<p>${kept.absent ? 'It is not kept, or not any more. What the gate decided of it stands in its log, under this id.' : kept.error}</p>`}
    ${(decision || capture) && html`<h3>Checks</h3>`}
    ${explained.data && html`<${Chain} explanation=${explained.data} />`}
    ${decision && explained.error && html`<p class="dim">${explained.error}. ${decision?.remedy ? shown(decision.remedy) : ''}</p>`}
    ${decision?.evidence !== undefined && explained.error && html`<p><code>${flow(decision.evidence)}</code></p>`}
    ${capture && html`<${Request} capture=${capture} /><${Again} id=${id} actions=${actions} />`}
    ${decision && kept.error && html`<p class="dim">The request itself is not kept.</p>`}
  </dialog>`
}

/**
 * What let a request through: every check of its route that can refuse.
 * @param {Decision} decision
 * @returns {Promise<import('../../pipeline/explanation.ts').Explanation>}
 */
async function passed(decision) {
  /** @type {import('../../config/plan.ts').Plan} */
  const plan = await ask('api/config')
  const checks = plan.routes.find(({ name }) => name === decision.route)?.checks ?? []
  const { method, path, source, time, status } = decision
  return {
    id: decision['request-id'],
    ...{ method, path, source, time, status },
    route: decision.route ?? null,
    outcome: 'forwarded',
    refusal: null,
    limits: [],
    steps: checks.map(({ check }) => ({ check, outcome: 'pass', note: '', findings: [] })),
  }
}

/** @param {{ decision: Decision }} props */
function Facts({ decision }) {
  const { method, path, route, source, principal, key, listener, time, ms } = decision
  const upstream = decision['upstream-ms'] ?? 0
  const queued = decision['queued-ms'] ?? 0
  return html`<dl class="facts">
      <${Fact} name="Request" value=${html`<bdi>${shown(method)} ${shown(path)}</bdi>`} />
      <${Fact} name="Route" value=${shown(route ?? 'none')} />
      <${Fact} name="Source" value=${shown(source)} />
      <${Fact} name="Principal" value=${shown(principal ?? '')} />
      <${Fact} name="Key" value=${shown(key ?? '')} />
      <${Fact} name="Event" value=${shown(decision['event-id'] ?? '')} />
      <${Fact} name="Listener" value=${shown(listener)} />
      <${Fact} name="Time" value=${`${dateTime(time)} (${clock(time)})`} />
      <${Fact} name="Bytes" value=${`${size(decision['bytes-in'] ?? 0)} in, ${size(decision['bytes-out'] ?? 0)} out`} />
      <${Fact} name="Attempts" value=${decision.attempts === undefined ? '' : String(decision.attempts)} />
      <${Fact} name="Id" value=${decision['request-id']} />
    </dl>
    <${Times} total=${ms} queued=${queued} upstream=${upstream} />
    ${decision['would-refuse'] !== undefined && html`<p>Checks that only report would have refused it: <code>${flow(decision['would-refuse'])}</code></p>`}`
}

/** @param {{ capture: import('../../gateway/masked-capture.ts').MaskedCapture }} props */
function KeptFacts({ capture: { method, target, route, source, principal, listener, time, id, ms } }) {
  return html`<dl class="facts">
      <${Fact} name="Request" value=${html`<bdi>${shown(method)} ${shown(target)}</bdi>`} />
      <${Fact} name="Route" value=${shown(route ?? 'none')} />
      <${Fact} name="Source" value=${shown(source)} />
      <${Fact} name="Principal" value=${principal ? `${shown(principal.name)} by ${shown(principal.by)}` : ''} />
      <${Fact} name="Listener" value=${shown(listener)} />
      <${Fact} name="Time" value=${`${dateTime(time)} (${clock(time)})`} />
      <${Fact} name="Id" value=${id} />
    </dl>
    <${Times} total=${ms} queued=${0} upstream=${0} />`
}

/** @param {{ name: string, value: unknown }} props */
const Fact = ({ name, value }) => (value === '' ? null : html`<div><dt>${name}</dt><dd>${value}</dd></div>`)

/** Where the time went, in milliseconds. @param {{ total: number, queued: number, upstream: number }} props */
function Times({ total, queued, upstream }) {
  const gate = Math.max(0, total - queued - upstream)
  const parts = /** @type {const} */ ([
    ['gate', gate],
    ['waiting for its turn', queued],
    ['upstream', upstream],
  ]).filter(([, ms]) => ms > 0)
  const all = parts.reduce((sum, [, ms]) => sum + ms, 0) || 1
  let x = 0
  return html`<figure class="times">
    <svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
      ${parts.map(([name, ms]) => {
        const width = (ms / all) * 100
        x += width
        return html`<rect key=${name} class=${name.split(' ')[0]} x=${x - width} width=${width} height="1" />`
      })}
    </svg>
    <figcaption>${parts.map(([name, ms]) => html`<span key=${name} class=${name.split(' ')[0]}>${ms.toFixed(ms < 10 ? 2 : 0)} ms ${name}</span>`)}</figcaption>
  </figure>`
}

/** @param {{ capture: import('../../gateway/masked-capture.ts').MaskedCapture }} props */
function Request({ capture: { headers, body, id } }) {
  return html`<h3>Request</h3>
    <table class="headers"><tbody>
      ${headers.map(([name, value], index) => html`<tr key=${index}><th scope="row">${shown(name)}</th><td><bdi>${shown(value)}</bdi></td></tr>`)}
    </tbody></table>
    ${body.text ? html`<pre tabindex="0" aria-label="Body">${shownLines(body.text)}</pre>` : html`<p class="dim">${size(body.bytes)} of body${body.withheld ? `: ${shown(body.withheld)}` : ''}</p>`}
    <p><a href=${`api/captures/${encodeURIComponent(id)}`} download=${`${id}.json`}>Download</a> <span class="dim">masked, as shown here</span></p>`
}

/**
 * "Send again": through the config as it is now, after a question.
 * @param {{ id: string, actions: boolean }} props
 */
function Again({ id, actions }) {
  const [asked, setAsked] = useState(false)
  const [said, set] = useState(/** @type {import('../captures-api.ts').SendReport | string | undefined} */ (undefined))
  if (!actions) return html`<p class="dim">To send it again, configure admin.token.</p>`
  const send = async (/** @type {'now' | 'received'} */ at) => {
    setAsked(false)
    set('Sending.')
    await captures
      .send(id, at)
      .then(set, error =>
        set(error instanceof Refused ? `${error.message} (${error.code}).` : 'The gate does not answer.'),
      )
  }
  return html`<div class="again">
    ${
      asked
        ? html`<p>It goes through the config in force, and to the upstream where every check passes.</p>
        <button type="button" class="act" onClick=${() => send('now')}>Send it</button>
          <button type="button" onClick=${() => send('received')}>Send it as of when it came</button> <button type="button" onClick=${() => setAsked(false)}>Cancel</button>`
        : html`<button type="button" onClick=${() => setAsked(true)}>Send again</button>`
    }
    <div role="status">
      ${typeof said === 'string' && html`<p>${said}</p>`}
      ${typeof said === 'object' && html`<p>Sent: <span class=${`state ${kindOf(said.outcome, said.status)}`}>${said.status} ${said.code ?? said.outcome}</span> <small>as ${said['request-id']}</small></p>`}
    </div>
  </div>`
}
