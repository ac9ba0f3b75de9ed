let lastMs = -1
let lastSecond = -1
let prefix = ''
let text = ''

/** Epoch milliseconds as ISO 8601 in UTC, e.g. `2026-01-31T08:15:00.042Z`. Made once a millisecond. */
export function timestamp(epochMs: number): string {
  if (epochMs === lastMs) return text
  const second = Math.floor(epochMs / 1000)
  if (second !== lastSecond) {
    lastSecond = second
    prefix = new Date(second * 1000).toISOString().slice(0, 20)
  }
  lastMs = epochMs
  text = `${prefix}${String(Math.floor(epochMs) - second * 1000).padStart(3, '0')}Z`
  return text
}
