import { render } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { usePoll } from './api.js'
import { BridgePage } from './bridge.js'
import { Captures } from './captures.js'
import { ConfigPage } from './config.js'
import { DecisionDialog } from './decision.js'
import { Expiries } from './expiries.js'
import { clock, shown, span } from './format.js'
import { useRoutes } from './health.js'
import { html } from './html.js'
import { KEYS, listenToKeys } from './keys.js'
import { Live } from './live.js'
import { Overview } from './overview.js'
import { RoutePage } from './route.js'
import { applyTheme, nextTheme, theme } from './theme.js'

const EVERY = 5000
/** Milliseconds without an answer after which what is shown is called old. */
const STALE_MS = 20_000
const SECTIONS = /** @type {const} */ ([
  ['', 'Routes'],
  ['live', 'Live'],
  ['captures', 'Captures'],
  ['expiries', 'Expiries'],
  ['bridge', 'Bridge'],
  ['config', 'Config'],
])

const placeOf = () => location.hash.replace(/^#\/?/, '').split('/').map(decoded)

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function usePlace() {
  const [place, set] = useState(placeOf)
  useEffect(() => {
    const moved = () => set(placeOf())
    addEventListener('hashchange', moved)
    return () => removeEventListener('hashchange', moved)
  }, [])
  return place
}

function App() {
  const [section = '', name = ''] = usePlace()
  const { data: gate, at } = /** @type {{ data: import('../gate-api.ts').GateReport | undefined, at: number }} */ (
    usePoll('api/gate', EVERY)
  )
  const [opened, open] = useState(/** @type {import('./decisions.js').Decision | undefined} */ (undefined))
  const [paused, setPaused] = useState(false)
  const [help, setHelp] = useState(false)
  const pause = () => setPaused(before => !before)
  useEffect(
    () =>
      listenToKeys(key => {
        const to = SECTIONS[Number(key) - 1]
        if (to && !document.querySelector('dialog[open]')) location.hash = `#/${to[0]}`
        else if (key === '?') setHelp(true)
        else if (key === 'p') pause()
        else if (key === 't') nextTheme()
      }),
    [],
  )
  const request = section === 'requests' ? name : opened?.['request-id']
  const close = () => {
    open(undefined)
    if (section === 'requests') location.hash = '#/captures'
  }
  const page = section === 'requests' ? 'captures' : section
  return html`
    <a class="skip" href="#main" onClick=${skip}>To the content</a>
    <${Header} gate=${gate} at=${at} section=${page === 'routes' ? '' : page} help=${() => setHelp(true)} />
    <main id="main" tabindex="-1">
      <${Section} section=${page} name=${name} gate=${gate} open=${open} paused=${paused} pause=${pause} />
    </main>
    ${request && html`<${DecisionDialog} key=${request} id=${request} decision=${opened} actions=${gate?.actions ?? false} close=${close} />`}
    ${help && html`<${Help} close=${() => setHelp(false)} />`}`
}

/** @param {Event} event */
function skip(event) {
  event.preventDefault()
  document.getElementById('main')?.focus()
}

/** @param {{ section: string, name: string, gate: import('../gate-api.ts').GateReport | undefined, open: (decision: import('./decisions.js').Decision) => void, paused: boolean, pause: () => void }} props */
function Section({ section, name, gate, open, paused, pause }) {
  switch (section) {
    case 'routes':
      return html`<${RoutePage} key=${name} name=${name} />`
    case 'live':
      return html`<${WithRoutes} view=${Live} open=${open} paused=${paused} pause=${pause} />`
    case 'captures':
      return html`<${WithRoutes} view=${Captures} />`
    case 'expiries':
      return html`<${Expiries} gate=${gate} />`
    case 'bridge':
      return html`<${BridgePage} gate=${gate} />`
    case 'config':
      return html`<${ConfigPage} gate=${gate} />`
    default:
      return html`<${Overview} gate=${gate} open=${open} paused=${paused} />`
  }
}

/** @param {{ view: import('preact').ComponentType<never> } & Record<string, unknown>} props */
function WithRoutes({ view: View, ...props }) {
  const { data } = useRoutes()
  const routes = data?.routes.map(route => route.name).filter(each => each !== '') ?? []
  return html`<${View} routes=${routes} ...${props} />`
}

/** @param {{ gate: import('../gate-api.ts').GateReport | undefined, at: number, section: string, help: () => void }} props */
function Header({ gate, at, section, help }) {
  const [now, tick] = useState(Date.now())
  const [shade, setShade] = useState(theme())
  useEffect(() => {
    const timer = setInterval(() => {
      tick(Date.now())
      setShade(theme())
    }, 1000)
    return () => clearInterval(timer)
  }, [])
  const stale = at > 0 && now - at > STALE_MS
  return html`<header class="top">
    <strong>Sallyport</strong>
    <nav aria-label="Sections"><ul>
      ${SECTIONS.map(([path, title]) => html`<li key=${path}><a href=${`#/${path}`} aria-current=${section === path ? 'page' : undefined}>${title}</a></li>`)}
    </ul></nav>
    <span role="status">
      ${
        stale
          ? html`<span class="state failed">no answer for ${span((now - at) / 1000)}</span>`
          : gate && html`<span class=${`state ${gate.status === 'ready' ? 'ok' : 'refused'}`}>${gate.status}</span>`
      }
    </span>
    <span class="dim wide">${gate && `${shown(gate.file.split('/').at(-1) ?? '')}, ${gate.version}, up ${span((now - Date.parse(gate.started)) / 1000)}`}</span>
    <time class="wide">${clock(now)}</time>
    <button type="button" onClick=${() => {
      nextTheme()
      setShade(theme())
    }}>Theme: ${shade}</button>
    <button type="button" class="wide" onClick=${help} aria-label="Keys">?</button>
    ${gate?.actions && html`<form method="post" action="logout"><button>Log out</button></form>`}
  </header>`
}

/** @param {{ close: () => void }} props */
function Help({ close }) {
  const box = useRef(/** @type {HTMLDialogElement | null} */ (null))
  useEffect(() => {
    box.current?.showModal()
  }, [])
  return html`<dialog ref=${box} aria-labelledby="help-title" onClose=${close}>
    <header><h2 id="help-title">Keys</h2><button type="button" onClick=${() => box.current?.close()}>Close</button></header>
    <dl class="keys">${KEYS.map(([key, does]) => html`<div key=${key}><dt><kbd>${key}</kbd></dt><dd>${does}</dd></div>`)}</dl>
  </dialog>`
}

applyTheme()
render(html`<${App} />`, document.body)
