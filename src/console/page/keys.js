/** What the keys do, as the help shows it. */
export const KEYS = [
  ['/', 'to the filter'],
  ['j  k', 'down and up the list'],
  ['Enter', 'open'],
  ['Esc', 'close, or leave the filter'],
  ['1 … 6', 'to a section'],
  ['p', 'pause the stream'],
  ['t', 'light, dark, or as the system'],
  ['?', 'this help'],
]

/** @param {Element | null} element */
const isTyping = element => element !== null && /^(?:INPUT|SELECT|TEXTAREA)$/.test(element.tagName)

/** Where j and k move: what is open, or the page. */
const rows = () => {
  const within = document.querySelector('dialog[open]') ?? document
  return [...within.querySelectorAll('[data-row]')].filter(
    row => row instanceof HTMLElement && row.offsetParent !== null,
  )
}

/** @param {number} by */
function move(by) {
  const all = rows()
  const at = all.indexOf(document.activeElement ?? document.body)
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))]
  if (!(next instanceof HTMLElement)) return
  next.focus()
  next.scrollIntoView({ block: 'nearest' })
}

/**
 * Keys of the whole page; `Enter` and `Esc` in a dialog are the browser's own.
 * @param {(key: string) => void} act
 */
export function listenToKeys(act) {
  /** @param {KeyboardEvent} event */
  const heard = event => {
    const { key, target } = event
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (isTyping(/** @type {Element} */ (target))) {
      if (key === 'Escape') /** @type {HTMLElement} */ (target).blur()
      return
    }
    if (key === 'j') move(1)
    else if (key === 'k') move(-1)
    else if (key === '/') {
      const filter = document.querySelector('[data-filter]')
      if (!(filter instanceof HTMLElement)) return
      filter.focus()
      event.preventDefault()
    } else act(key)
  }
  document.addEventListener('keydown', heard)
  return () => document.removeEventListener('keydown', heard)
}
