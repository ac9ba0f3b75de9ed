import { useEffect, useState } from 'preact/hooks'

/**
 * A value once it has not changed for so many milliseconds: what is typed asks the gate once, and not at each key.
 * @template T
 * @param {T} value
 * @param {number} ms
 * @returns {T}
 */
export function useSettled(value, ms) {
  const [settled, set] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => set(value), ms)
    return () => clearTimeout(timer)
  }, [value, ms])
  return settled
}
