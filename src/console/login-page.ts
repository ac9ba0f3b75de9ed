import { hash } from 'node:crypto'
import { HEADERS, type Page } from './answer.ts'
import { type AdminCode, type AdminRefusal, adminRefusals } from './refusal.ts'

const STYLE = `
:root { color-scheme: light dark; --back: #f6f7f9; --face: #ffffff; --text: #1b1f24; --dim: #57606a; --line: #8c959f; --act: #0b5cad; --bad: #b3261e }
@media (prefers-color-scheme: dark) { :root { --back: #0f1216; --face: #171b21; --text: #e6e9ed; --dim: #9aa4b0; --line: #6b7683; --act: #6cb0f5; --bad: #ff8a80 } }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif }
main { width: min(22rem, 100vw - 4rem); padding: 1.5rem; background: var(--face); border-radius: 8px }
h1 { margin: 0 0 1rem; font-size: 1.25rem }
label { display: block; margin-bottom: .25rem }
input { box-sizing: border-box; width: 100%; padding: .5rem .625rem; font: inherit; color: inherit; background: var(--back); border: 1px solid var(--line); border-radius: 4px }
button { margin-top: 1rem; padding: .5rem 1rem; font: inherit; color: var(--face); background: var(--act); border: 0; border-radius: 4px }
:focus-visible { outline: 2px solid var(--act); outline-offset: 2px }
p { margin: 1rem 0 0; color: var(--dim); font-size: .875rem }
.bad { margin: 0 0 1rem; color: var(--bad) }
`
const ENTER = "location.replace('./?' + location.hash)"
const hashOf = (text: string): string => `'sha256-${hash('sha256', text, 'base64')}'`
const POLICY = `default-src 'none'; style-src ${hashOf(STYLE)}; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'`

/**
 * For who follows a link from another site, such as an alert's. The browser sends the session's cookie with what this
 * page asks for, and not with what the other site did; the link's fragment is known to the browser alone.
 */
export function landingPage(): Page {
  const body = documentOf(
    'Sallyport',
    `<p>The link is from another site. <a href="./?">Open the console</a></p>\n<script>${ENTER}</script>`,
  )
  const policy = `${POLICY}; script-src ${hashOf(ENTER)}`
  return {
    status: adminRefusals['admin.cross-site'].status,
    type: 'text/html; charset=utf-8',
    body,
    headers: { ...HEADERS, 'Content-Security-Policy': policy },
  }
}

/** The form that asks for the token. It runs no script and loads nothing. @param tried a token was sent, and refused */
export function loginPage(code: AdminCode, tried: boolean): Page {
  const refusal: AdminRefusal = adminRefusals[code]
  const wrong =
    code === 'admin.token'
      ? tried
        ? 'This is not the admin token.'
        : undefined
      : `${refusal.title}. ${refusal.remedy}`
  const body = documentOf(
    'Sallyport: log in',
    `<form method="post" action="login">
${wrong === undefined ? '' : `<p class="bad" role="alert">${wrong}</p>\n`}<label for="token">Admin token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus spellcheck="false">
<button>Log in</button>
</form>
<p>It is what admin.token of the config refers to.</p>`,
  )
  return {
    status: refusal.status,
    type: 'text/html; charset=utf-8',
    body,
    // Without a referrer policy of its own origin a browser sends the form with "Origin: null" (the Fetch standard).
    headers: { ...HEADERS, ...refusal.headers, 'Content-Security-Policy': POLICY, 'Referrer-Policy': 'same-origin' },
  }
}

const documentOf = (title: string, content: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Sallyport</h1>
${content}
</main>
</body>
</html>
`
