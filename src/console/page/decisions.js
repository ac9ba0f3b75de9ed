import { useEffect, useRef, useState } from 'preact/hooks'
import { ask } from './api.js'
import { useSettled } from './settled.js'

/** Decisions that the page remembers. */
const KEPT = 500
const RETRY_MS = 3000
/** Milliseconds after the last key. */
const SETTLED = 400

/**
 * One line of the log.
 * @typedef {object} Decision
 * @property {string} msg the outcome
 * @property {string} time
 * @property {string} request-id
 * @property {number} status
 * @property {string} source
 * @property {string} method
 * @property {string} path
 * @property {string} listener
 * @property {number} ms
 * @property {string} [route]
 * @property {string} [code]
 * @property {string} [principal]
 * @property {string} [key]
 * @property {string} [event-id]
 * @property {number} [bytes-in]
 * @property {number} [bytes-out]
 * @property {number} [upstream-ms]
 * @property {number} [queued-ms]
 * @property {number} [attempts]
 * @property {unknown} [evidence]
 * @property {unknown} [would-refuse]
 * @property {string} [remedy]
 */

/** What a text is looked for in. */
const TEXTS = /** @type {const} */ (['source', 'path', 'principal', 'key', 'event-id', 'request-id', 'method'])

/**
 * As the gate filters the stream: route and outcome whole, code from its start, text anywhere.
 * @param {Record<string, string>} filter
 * @returns {(decision: Decision) => boolean}
 */
function matcher({ route, outcome, code = '', text = '' }) {
  const part = text.toLowerCase()
  return decision =>
    (!route || decision.route === route) &&
    (!outcome || decision.msg === outcome) &&
    (decision.code ?? '').startsWith(code) &&
    (part === '' || TEXTS.some(name => decision[name]?.toLowerCase().includes(part)))
}

/**
 * The stream of decisions, the latest first. Another filter counts at once for what was seen, and for the stream once
 * it has settled.
 * @param {Record<string, string>} filter
 * @param {boolean} paused
 * @returns {{ decisions: readonly Decision[], dropped: number, state: 'watching' | 'connecting' | 'full' }}
 */
export function useDecisions(filter, paused) {
  const [seen, set] = useState({ decisions: /** @type {readonly Decision[]} */ ([]), dropped: 0 })
  const [state, setState] = useState(/** @type {'watching' | 'connecting' | 'full'} */ ('connecting'))
  const held = useRef(paused)
  held.current = paused
  const wanted = new URLSearchParams(Object.entries(filter).filter(([, value]) => value !== '')).toString()
  const query = useSettled(wanted, SETTLED)
  useEffect(() => {
    /** @type {EventSource} */
    let source
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let retry
    const open = () => {
      source = new EventSource(`api/decisions?${query}`)
      source.addEventListener('open', () => setState('watching'))
      source.addEventListener('decisions', ({ data }) => {
        if (held.current) return
        const more = /** @type {Decision[]} */ (JSON.parse(data)).reverse()
        set(before => ({ ...before, decisions: [...more, ...before.decisions].slice(0, KEPT) }))
      })
      source.addEventListener('dropped', ({ data }) => {
        if (!held.current) set(before => ({ ...before, dropped: before.dropped + Number(data) }))
      })
      source.addEventListener('error', async () => {
        setState('connecting')
        if (source.readyState !== EventSource.CLOSED) return
        // A refusal, which an event stream does not show: asked elsewhere, it leads to the login or is told.
        await ask('api/gate').then(
          () => setState('full'),
          () => undefined,
        )
        retry = setTimeout(open, RETRY_MS)
      })
    }
    open()
    return () => {
      clearTimeout(retry)
      source.close()
    }
  }, [query])
  return { ...seen, decisions: seen.decisions.filter(matcher(filter)), state }
}
