import { useEffect, useState } from 'preact/hooks'

/** An answer that was none. */
export class Refused extends Error {
  /** @param {number} status @param {string} code @param {string} title */
  constructor(status, code, title) {
    super(title)
    this.status = status
    this.code = code
  }
}

/**
 * @template T
 * @param {string} path relative to the page
 * @param {RequestInit} [init]
 * @returns {Promise<T>}
 */
export async function ask(path, init) {
  const response = await fetch(path, init)
  if (response.ok) return response.json()
  // The session has ended: the page itself asks for the token.
  if (response.status === 401) location.reload()
  const problem = await response.json().catch(() => ({}))
  throw new Refused(response.status, problem.code ?? '', problem.title ?? `HTTP ${response.status}`)
}

/** What captures offer, in one place. */
export const captures = {
  /** @param {Record<string, string>} query @returns {Promise<import('../captures-api.ts').CaptureList>} */
  list: query => ask(`api/captures?${new URLSearchParams(query)}`),
  /** @param {string} id @returns {Promise<import('../../gateway/masked-capture.ts').MaskedCapture>} */
  one: id => ask(`api/captures/${encodeURIComponent(id)}`),
  /** @param {string} id @returns {Promise<import('../../pipeline/explanation.ts').Explanation>} */
  explain: id => ask(`api/captures/${encodeURIComponent(id)}/explain`),
  /**
   * @param {string} id
   * @param {'now' | 'received'} at what time the checks are told
   * @returns {Promise<import('../captures-api.ts').SendReport>}
   */
  send: (id, at) =>
    ask(`api/captures/${encodeURIComponent(id)}/send?at=${at}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{}',
    }),
}

/**
 * Asks now and every `ms` milliseconds while the page can be seen.
 * @template T
 * @param {string} path
 * @param {number} ms
 * @returns {{ data: T | undefined, error: string | undefined, at: number }}
 */
export function usePoll(path, ms) {
  const [state, set] = useState(/** @type {{ path: string, data?: T, error?: string, at: number }} */ ({ path, at: 0 }))
  useEffect(() => {
    let ended = false
    const look = async () => {
      if (document.hidden) return
      try {
        const data = await ask(path)
        if (!ended) set({ path, data: /** @type {T} */ (data), at: Date.now() })
      } catch (error) {
        const told = error instanceof Refused ? error.message : 'The gate does not answer.'
        if (!ended) set(before => ({ ...before, error: told }))
      }
    }
    look()
    const timer = setInterval(look, ms)
    document.addEventListener('visibilitychange', look)
    return () => {
      ended = true
      clearInterval(timer)
      document.removeEventListener('visibilitychange', look)
    }
  }, [path, ms])
  const fresh = state.path === path
  return { data: fresh ? state.data : undefined, error: fresh ? state.error : undefined, at: fresh ? state.at : 0 }
}

/**
 * Asks once for each value of `key`.
 * @template T
 * @param {() => Promise<T>} load
 * @param {string} key
 * @returns {{ data?: T, error?: string, absent?: boolean }} `absent`: the gate says that there is no such thing
 */
export function useOnce(load, key) {
  const [state, set] = useState(/** @type {{ key: string, data?: T, error?: string, absent?: boolean }} */ ({ key }))
  useEffect(() => {
    let ended = false
    load().then(
      data => !ended && set({ key, data }),
      error => {
        const told = error instanceof Refused
        if (!ended)
          set({ key, error: told ? error.message : 'The gate does not answer.', absent: told && error.status === 404 })
      },
    )
    return () => {
      ended = true
    }
  }, [key])
  return state.key === key ? state : {}
}
