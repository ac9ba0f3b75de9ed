// Runs in the page of the console's tests, which ask for it by name.

/** Texts whose contrast is below WCAG 2.2's 4.5 to 1. */
function illegible() {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  const rgba = (/** @type {string} */ colour) => {
    if (canvas === null) return []
    canvas.clearRect(0, 0, 1, 1)
    canvas.fillStyle = colour
    canvas.fillRect(0, 0, 1, 1)
    return [...canvas.getImageData(0, 0, 1, 1).data]
  }
  const luminance = (/** @type {number[]} */ colour) => {
    const [r = 0, g = 0, b = 0] = colour.slice(0, 3).map(part => {
      const share = part / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const backOf = (/** @type {Element | null} */ element) => {
    for (let at = element; at; at = at.parentElement) {
      const back = rgba(getComputedStyle(at).backgroundColor)
      if (back[3] === 255) return back
    }
    return [255, 255, 255]
  }
  const found = new Set()
  for (const element of document.querySelectorAll('body *')) {
    const text = [...element.childNodes]
      .filter(node => node.nodeType === Node.TEXT_NODE)
      .map(node => node.textContent?.trim())
      .join('')
    if (text === '' || !element.checkVisibility()) continue
    const [low = 0, high = 0] = [luminance(rgba(getComputedStyle(element).color)), luminance(backOf(element))].sort(
      (a, b) => a - b,
    )
    const contrast = (high + 0.05) / (low + 0.05)
    if (contrast < 4.5)
      found.add(`${element.tagName.toLowerCase()}.${element.className} ${contrast.toFixed(2)} ${text.slice(0, 20)}`)
  }
  return [...found]
}

/** Fields, buttons and landmarks that no name is said of. */
function unnamed() {
  const named = (/** @type {Element} */ element) =>
    (element.getAttribute('aria-label') ??
      element.getAttribute('aria-labelledby') ??
      element.textContent?.trim() ??
      '') !== '' ||
    (element instanceof HTMLInputElement && (element.labels?.length ?? 0) > 0) ||
    (element instanceof HTMLSelectElement && (element.labels?.length ?? 0) > 0)
  const controls = [...document.querySelectorAll('button, input, select, a, nav, [role="img"], section, meter')]
  const lacking = ['header', 'nav', 'main', 'h1, h2'].filter(each => document.querySelector(each) === null)
  return [...controls.filter(each => !named(each)).map(each => each.outerHTML.slice(0, 80)), ...lacking]
}

/** Tables that are wider than what they stand in. */
function spilling() {
  return [...document.querySelectorAll('main table')]
    .filter(each => {
      const edge = each.parentElement?.getBoundingClientRect().right ?? 0
      return each.checkVisibility() && each.getBoundingClientRect().right > edge + 0.5
    })
    .map(each => each.className)
}

/** Words of tables, no longer than fits a narrow column, that go on in the next line. */
function brokenWords() {
  const texts = document.createTreeWalker(document.querySelector('main') ?? document.body, NodeFilter.SHOW_TEXT)
  const found = []
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    if (!node.parentElement?.closest('table')) continue
    for (const { 0: word, index } of (node.textContent ?? '').matchAll(/[\p{L}\p{N}]{2,13}/gu)) {
      const range = document.createRange()
      range.setStart(node, index)
      range.setEnd(node, index + word.length)
      if (new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size > 1) found.push(word)
    }
  }
  return found
}

/** How many colours a chart has. */
function coloursOf() {
  const canvas = document.querySelector('.chart canvas')
  if (!(canvas instanceof HTMLCanvasElement)) return 0
  const { data } = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: [] }
  return new Set(Array.from({ length: data.length / 4 }, (_, i) => data.slice(i * 4, i * 4 + 3).join())).size
}

/** What becomes of markup that is made from text. */
function markup() {
  try {
    document.body.insertAdjacentHTML('beforeend', '<b>x</b>')
    return 'taken'
  } catch (error) {
    return error instanceof TypeError ? 'refused' : 'other'
  }
}

Object.assign(globalThis, {
  inPage: {
    illegible,
    unnamed,
    coloursOf,
    markup,
    spilling,
    brokenWords,
    cookie: () => document.cookie,
    back: () => getComputedStyle(document.body).backgroundColor,
    focused: () => document.activeElement?.tagName,
    focusedRow: () => [...document.querySelectorAll('[data-row]')].indexOf(document.activeElement ?? document.body),
    fits: () => document.documentElement.scrollWidth <= innerWidth,
  },
})
