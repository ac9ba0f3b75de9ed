// What a reader is fooled by: control characters, bidirectional controls (Unicode TR #36), invisible spaces and marks.
const DECEPTIVE = /[\p{Cc}\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu

/**
 * Text that a sender may have written, with what can't be seen made visible.
 * @param {unknown} value
 */
export function shown(value) {
  const text = typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value)
  return text.replace(DECEPTIVE, char => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`)
}

/**
 * The same, with its lines kept.
 * @param {string} text
 */
export const shownLines = text => text.split(/\r?\n/).map(shown).join('\n')

/** @param {number} value */
export function count(value) {
  if (value < 10_000) return value.toLocaleString('en')
  const [size, unit] = value < 1e6 ? [1e3, 'k'] : value < 1e9 ? [1e6, 'M'] : [1e9, 'G']
  return `${(value / size).toFixed(value / size < 100 ? 1 : 0)}${unit}`
}

/** @param {number | null | undefined} value seconds */
export function seconds(value) {
  if (value === null || value === undefined) return '–'
  if (value === 0) return '0'
  if (value < 0.001) return `${Math.round(value * 1e6)} µs`
  if (value < 1) return `${(value * 1000).toFixed(value < 0.01 ? 1 : 0)} ms`
  return value < 90 ? `${value.toFixed(1)} s` : span(value)
}

/**
 * A length of time in its largest unit or two.
 * @param {number} value seconds
 */
export function span(value) {
  const left = Math.abs(value)
  if (left < 90) return `${Math.round(left)} s`
  if (left < 5400) return `${Math.round(left / 60)} min`
  if (left < 172_800) return `${Math.round(left / 3600)} h`
  const days = Math.floor(left / 86_400)
  return days < 800 ? `${days} days` : `${Math.floor(days / 365.25)} years`
}

/** How it is coloured that something's end is near. @type {Readonly<Record<import('../../core/ending.ts').Nearness, string>>} */
export const ENDING = { ok: '', soon: 'refused', near: 'failed', ended: 'failed' }

/** @param {number} bytes */
export const size = bytes =>
  bytes < 10_000 ? `${count(bytes)} B` : `${(bytes / 1024).toLocaleString('en', { maximumFractionDigits: 0 })} KiB`

/** @param {number} part @param {number} all */
export const share = (part, all) =>
  all === 0 ? '0 %' : part > 0 && part / all < 0.01 ? '< 1 %' : `${Math.round((part / all) * 100)} %`

/** @param {string | number} time ISO 8601, or epoch milliseconds */
export const clock = time => new Date(time).toLocaleTimeString('en-GB')

/**
 * The time alone where it was today.
 * @param {string} iso
 */
export const moment = iso => (new Date(iso).toDateString() === new Date().toDateString() ? clock(iso) : dateTime(iso))

/** @param {string} iso */
export const dateTime = iso => new Date(iso).toLocaleString('sv-SE').slice(0, 16)

/**
 * A value of the config as it stands in YAML's flow style.
 * @param {unknown} value
 * @returns {string}
 */
export function flow(value) {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`
  if (typeof value !== 'object' || value === null) return shown(value === null ? 'none' : value)
  return `{ ${Object.entries(value)
    .map(([key, each]) => `${shown(key)}: ${flow(each)}`)
    .join(', ')} }`
}
