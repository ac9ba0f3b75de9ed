/** @typedef {'auto' | 'light' | 'dark'} Theme */

const KEY = 'sallyport-theme'
/** @type {readonly Theme[]} */
const ORDER = ['auto', 'light', 'dark']
const changed = new EventTarget()

/** @returns {Theme} */
export function theme() {
  const kept = localStorage.getItem(KEY)
  return ORDER.find(each => each === kept) ?? 'auto'
}

export function nextTheme() {
  localStorage.setItem(KEY, ORDER[(ORDER.indexOf(theme()) + 1) % ORDER.length] ?? 'auto')
  applyTheme()
}

export function applyTheme() {
  document.documentElement.dataset.theme = theme()
  changed.dispatchEvent(new Event('change'))
}

/**
 * Calls back when the colours have changed; gives what ends it.
 * @param {() => void} then
 */
export function onColours(then) {
  const system = matchMedia('(prefers-color-scheme: dark)')
  changed.addEventListener('change', then)
  system.addEventListener('change', then)
  return () => {
    changed.removeEventListener('change', then)
    system.removeEventListener('change', then)
  }
}
