import { flow, shown } from './format.js'
import { html } from './html.js'

const WORDS = { pass: 'pass', fail: 'FAIL', report: 'WOULD', 'not-reached': '–', 'not-tried': '?' }
const KINDS = { pass: 'ok', fail: 'failed', report: 'refused', 'not-reached': 'quiet', 'not-tried': 'quiet' }

/** The chain of checks, and why it ended where it did. @param {{ explanation: import('../../pipeline/explanation.ts').Explanation }} props */
export function Chain({ explanation }) {
  return html`
    <ol class="chain">${explanation.steps.map((step, index) => html`<${Step} key=${index} step=${step} />`)}</ol>
    ${explanation.limits.map(limit => html`<p class="dim" key=${limit}>${shown(limit)}</p>`)}`
}

/** @param {{ step: import('../../pipeline/explanation.ts').ExplainedStep }} props */
function Step({ step: { check, outcome, note, findings, evidence, remedy } }) {
  const told = outcome === 'fail' || outcome === 'report'
  const mended = findings.some(({ mend }) => mend !== '')
  return html`<li class=${KINDS[outcome]}>
    <span class="word">${WORDS[outcome]}</span>
    <span class="check">${shown(check)}</span>
    <span class="note">${outcome === 'not-reached' ? 'not reached' : shown(note)}</span>
    ${
      told &&
      html`<dl class="why">
        ${findings.slice(0, 3).map(
          ({ certainty, because, mend }) => html`
            <div><dt>${certainty === 'possible' ? 'perhaps' : 'because'}</dt><dd>${shown(because)}</dd></div>
            ${mend !== '' && html`<div><dt>mend</dt><dd>${shown(mend)}</dd></div>`}`,
        )}
        ${evidence && Object.keys(evidence).length > 0 && html`<div><dt>evidence</dt><dd><code>${flow(evidence)}</code></dd></div>`}
        ${!mended && remedy && html`<div><dt>mend</dt><dd>${shown(remedy)}</dd></div>`}
      </dl>`
    }
  </li>`
}
