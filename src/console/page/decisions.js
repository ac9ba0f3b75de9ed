import { useEffect, useRef, useState } from 'preact/hooks'
import { ask } from './api.js'

/** Decisions that the page remembers. */
const KEPT = 500
const RETRY_MS = 3000

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

/**
 * The stream of decisions, the latest first.
 * @param {Record<string, string>} filter
 * @param {boolean} paused
 * @returns {{ decisions: readonly Decision[], dropped: number, state: 'watching' | 'connecting' | 'full' }}
 */
export function useDecisions(filter, paused) {
  const [seen, set] = useState({ decisions: /** @type {readonly Decision[]} */ ([]), dropped: 0 })
  const [state, setState] = useState(/** @type {'watching' | 'connecting' | 'full'} */ ('connecting'))
  const held = useRef(paused)
  held.current = paused
  const query = new URLSearchParams(Object.entries(filter).filter(([, value]) => value !== '')).toString()
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
    set({ decisions: [], dropped: 0 })
    open()
    return () => {
      clearTimeout(retry)
      source.close()
    }
  }, [query])
  return { ...seen, state }
}
