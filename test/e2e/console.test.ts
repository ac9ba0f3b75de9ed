import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ask } from '../support/client.ts'
import { type ConsoleGate, HOSTILE, startConsoleGate } from '../support/console-gate.ts'
import { signedBy } from '../support/signed.ts'

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'
/** Minutes of traffic before screenshots for the documentation are made; not set: none are made. */
const SCREENSHOT_MINUTES = process.env.SALLYPORT_SCREENSHOTS
const IMAGES = join(import.meta.dirname, '../../docs/images')
const IN_PAGE = readFileSync(join(import.meta.dirname, '../support/in-page.js'), 'utf8')
const SECTIONS = ['', 'live', 'captures', 'expiries', 'bridge', 'config', 'routes/github']
const WIDE = { width: 1600, height: 1000 }
const PHONE = { width: 390, height: 844 }

let stand: ConsoleGate
let browser: Browser
let context: BrowserContext
let page: Page
/** What no page may do: throw, break its policy, ask elsewhere. */
const wrong: string[] = []

async function open(where: BrowserContext): Promise<Page> {
  const opened = await where.newPage()
  opened.setDefaultTimeout(15_000)
  opened.on('pageerror', error => wrong.push(error.message))
  opened.on('console', message => {
    if (message.type() === 'error' && !/401 \(Unauthorized\)/.test(message.text())) wrong.push(message.text())
  })
  opened.on('request', request => {
    if (!request.url().startsWith(stand.url)) wrong.push(request.url())
  })
  return opened
}

async function loggedIn(options: Parameters<Browser['newContext']>[0] = {}): Promise<BrowserContext> {
  const made = await browser.newContext({ viewport: WIDE, ...options })
  const first = await open(made)
  await first.goto(stand.url)
  await first.getByLabel('Admin token').fill(stand.env.ADMIN_TOKEN)
  await first.getByRole('button', { name: 'Log in' }).click()
  await first.getByRole('heading', { name: 'Routes' }).waitFor()
  await first.close()
  return made
}

/** Runs a function of test/support/in-page.js there. */
const inPage = (where: Page, name: string): Promise<unknown> => where.evaluate(`${IN_PAGE}; inPage.${name}()`)

const go = (section: string) => page.goto(`${stand.url}#/${section}`)

beforeAll(async () => {
  stand = await startConsoleGate()
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
  context = await loggedIn()
  await stand.traffic(12)
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await stand?.close()
})

beforeEach(async () => {
  page = await open(context)
})

afterEach(async () => {
  await page.close()
  expect(wrong.splice(0)).toEqual([])
})

describe('the console in a browser', { timeout: 60_000 }, () => {
  it('asks for the token, says when it is another, and shows its cookie to no script', async () => {
    const fresh = await browser.newContext()
    const visitor = await open(fresh)
    await visitor.goto(stand.url)
    await visitor.getByLabel('Admin token').fill('another')
    await visitor.getByRole('button', { name: 'Log in' }).click()
    await visitor.getByRole('alert').getByText('This is not the admin token.').waitFor()
    await visitor.getByLabel('Admin token').fill(stand.env.ADMIN_TOKEN)
    await visitor.keyboard.press('Enter')
    await visitor.getByRole('heading', { name: 'Routes' }).waitFor()
    expect(await inPage(visitor, 'cookie')).toBe('')
    await visitor.getByRole('button', { name: 'Log out' }).click()
    await visitor.getByLabel('Admin token').waitFor()
    expect(await fresh.cookies()).toEqual([])
    await fresh.close()
  })

  it('shows how each route does, and draws it', async () => {
    await go('')
    const row = (name: string) => page.getByRole('row', { name: new RegExp(`^${name} `) })
    await row('stripe').getByText('ok', { exact: true }).waitFor()
    await row('github').getByText('signature.mismatch').waitFor()
    await row('partner')
      .getByText(/failing 100/)
      .waitFor()
    await row('late').getByText('there is no file late.token').waitFor()
    await page.getByRole('img', { name: /^Requests a minute, 1 h: \d+ accepted, \d+ refused, \d+ failed/ }).waitFor()
    expect(await inPage(page, 'coloursOf')).toBeGreaterThan(3)
  })

  it('streams decisions, by its filters', async () => {
    await go('live')
    await page.getByText('watching').waitFor()
    await stand.traffic(2)
    await page.getByRole('cell', { name: '401 signature.mismatch' }).first().waitFor()
    await page.getByLabel('Outcome').selectOption('failed')
    await page.getByText('Nothing seen here so far fits the filter.').waitFor()
    // The stream follows once the filter has settled.
    await page.waitForRequest(/api\/decisions\?outcome=failed$/)
    await page.getByText('watching').waitFor()
    await stand.traffic(6)
    await page.getByRole('cell', { name: '502 forward.unreachable' }).first().waitFor()
    expect(await page.locator('tbody tr:not(.failed)').count()).toBe(0)
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByText('paused').waitFor()
  })

  it('shows what a sender wrote as text, wherever it stands (adm-008)', async () => {
    await go('live')
    await page.getByText('watching').waitFor()
    const port = stand.gate.port('public')
    // An encoded slash would be refused before it could be matched.
    const pathOf = (index: number): string =>
      `/kb/${index}-${encodeURIComponent((HOSTILE[index] ?? '').replaceAll('/', ''))}`
    for (const [index, hostile] of HOSTILE.entries()) {
      const body = JSON.stringify({ [hostile]: hostile })
      const header = Buffer.from(hostile).toString('latin1')
      const headers = { 'content-type': 'application/json', 'x-evil': header, 'user-agent': header }
      await ask({ port, path: pathOf(index), headers: { ...headers, authorization: 'Bearer x' }, body })
      const id = /^[!-~]+$/.test(hostile) ? hostile : `msg_${index}`
      const signed = signedBy('standard-webhooks', stand.env.PARTNER_SECRET, body, { id })
      await ask({ port, path: '/partner', headers: { ...headers, ...signed }, body })
    }
    await page.getByText(pathOf(1)).first().waitFor()
    for (const section of ['captures', 'routes/kb-sync', '']) {
      await go(section)
      await page.locator('tbody tr:not(.u-series)').first().waitFor()
    }
    await go('captures')
    for (const [index, hostile] of HOSTILE.entries()) {
      await page.getByText(pathOf(index)).first().click()
      const dialog = page.getByRole('dialog')
      await dialog.getByText('x-evil').waitFor()
      await dialog.getByText('FAIL').waitFor()
      const text = (await dialog.textContent()) ?? ''
      expect(text).toContain(JSON.stringify(hostile).replaceAll('\u202e', '\\u202e').replaceAll('\u2066', '\\u2066'))
      expect(text).not.toMatch(/[\u202e\u2066]/)
      expect(await dialog.locator('script, img, [onerror], [onload]').count()).toBe(0)
      await page.keyboard.press('Escape')
      await dialog.waitFor({ state: 'detached' })
    }
    expect(await page.title()).toBe('Sallyport')
  })

  it('lets no text become markup: the browser itself refuses', async () => {
    await go('')
    expect(await inPage(page, 'markup')).toBe('refused')
    // It was told of on the console, which is what this test is about.
    wrong.length = 0
  })

  it('opens one decision as its chain of checks, and sends it again after the fix', async () => {
    await go('captures')
    await page.getByLabel('Route').selectOption('kb-sync')
    await page
      .getByRole('row', { name: /bearer\.unknown .*kb\/articles/ })
      .first()
      .getByRole('link')
      .click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('FAIL').waitFor()
    expect(await dialog.locator('.chain .check').allTextContents()).toContain('bearer')
    const send = async () => {
      await dialog.getByRole('button', { name: 'Send again' }).click()
      await dialog.getByRole('button', { name: 'Send it', exact: true }).click()
    }
    await send()
    await dialog.getByText('Sent: 401 bearer.unknown').waitFor()
    const fixed = stand.config(undefined, ', { name: new, env: NEW_KB_TOKEN }')
    expect((await stand.gate.reload(fixed)).msg).toBe('reloaded')
    const received = stand.crm.received.length
    await send()
    await dialog.getByText('Sent: 200 forwarded').waitFor()
    expect(stand.crm.received).toHaveLength(received + 1)
    await dialog.getByRole('button', { name: 'Close' }).click()
    await page.waitForURL(/#\/captures$/)
    await go('config')
    await page.getByText('SIGHUP').first().waitFor()
  })

  it('shows what ends, the bridges and the config, and no secret (adm-009)', async () => {
    await go('expiries')
    await page.getByText('stripe/signature/current').waitFor()
    expect(await page.getByLabel('Subscribe to').inputValue()).toMatch(
      /^http:\/\/127\.0\.0\.1:\d+\/expiries\.ics\?key=[\w-]{43}$/,
    )
    await go('bridge')
    await page
      .getByRole('row', { name: /crm-to-shop closed/ })
      .getByText('rate: 600/min')
      .waitFor()
    await go('config')
    await page.getByText('stripe', { exact: true }).click()
    await page
      .getByText(/env:STRIPE_SECRET \([0-9a-f]{8}\)/)
      .first()
      .waitFor()
    const shown = await page.content()
    for (const secret of Object.values(stand.env)) expect(shown).not.toContain(secret)
  })

  it('is driven by the keyboard', async () => {
    await go('')
    await page.getByRole('row', { name: /^stripe / }).waitFor()
    await page.keyboard.press('3')
    await page.getByRole('heading', { name: 'Captures' }).waitFor()
    await page.locator('[data-row]').nth(2).waitFor()
    await page.keyboard.press('/')
    expect(await inPage(page, 'focused')).toBe('INPUT')
    await page.keyboard.press('Escape')
    for (const key of ['j', 'j', 'k']) await page.keyboard.press(key)
    expect(await inPage(page, 'focusedRow')).toBe(0)
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').getByRole('heading', { name: 'Checks' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keys' }).getByText('down and up the list').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  })

  it('is light or dark as the system, or as it was told', async () => {
    const dark = await loggedIn({ colorScheme: 'dark' })
    const other = await open(dark)
    await other.goto(stand.url)
    const back = () => inPage(other, 'back')
    await other.getByRole('button', { name: 'Theme: auto' }).click()
    await other.getByRole('button', { name: 'Theme: light' }).waitFor()
    const light = await back()
    await other.reload()
    await other.getByRole('button', { name: 'Theme: light' }).click()
    await other.getByRole('button', { name: 'Theme: dark' }).waitFor()
    expect(await back()).not.toBe(light)
    await dark.close()
  })

  it.each([
    ['light', 'wall', WIDE],
    ['dark', 'wall', WIDE],
    ['light', 'phone', PHONE],
    ['dark', 'phone', PHONE],
  ] as const)('can be read: %s, %s', async (colorScheme, _name, viewport) => {
    const reader = await loggedIn({ colorScheme, viewport })
    const other = await open(reader)
    for (const section of SECTIONS) {
      await other.goto(`${stand.url}#/${section}`)
      await other.locator('main').getByRole('heading').first().waitFor()
      if (section === 'captures') await other.locator('tbody tr:not(.u-series)').first().waitFor()
      expect(await inPage(other, 'fits'), section).toBe(true)
      expect(await inPage(other, 'illegible'), section).toEqual([])
      expect(await inPage(other, 'unnamed'), section).toEqual([])
    }
    await reader.close()
  })

  it('is opened by a link from another site, at the place that it names', async () => {
    const other = await open(context)
    // By another name of the same host it is another site.
    const elsewhere = stand.crm.url.replace('127.0.0.1', 'localhost')
    await other.goto(`${elsewhere}/`)
    wrong.length = 0
    await other.setContent(`<a href="${stand.url}#/routes/github">alert</a>`)
    await other.getByRole('link', { name: 'alert' }).click()
    await other.getByRole('heading', { name: 'github' }).waitFor()
    expect(wrong.splice(0).join(), 'the landing itself').toContain('403 (Forbidden)')
    await other.close()
  })

  it('goes back to the form once the session has ended', async () => {
    const guest = await loggedIn()
    const other = await open(guest)
    await other.goto(`${stand.url}#/live`)
    await other.getByText('watching').waitFor()
    await guest.clearCookies()
    await other.getByLabel('Admin token').waitFor()
    await guest.close()
  })

  it.runIf(SCREENSHOT_MINUTES)('is shown in the documentation', { timeout: 3_600_000 }, async () => {
    mkdirSync(IMAGES, { recursive: true })
    const until = Date.now() + Number(SCREENSHOT_MINUTES) * 60_000
    while (Date.now() < until) {
      await stand.traffic(1 + Math.floor(Math.random() * 8))
      await new Promise(resolve => setTimeout(resolve, 1000 + Math.random() * 4000))
    }
    const shoot = async (
      name: string,
      section: string,
      options: Parameters<Browser['newContext']>[0],
      then?: (shot: Page) => Promise<unknown>,
    ) => {
      const shooting = await loggedIn(options)
      const shot = await open(shooting)
      await shot.goto(`${stand.url}#/${section}`)
      await shot.locator('main').getByRole('heading').first().waitFor()
      await stand.traffic(6)
      await then?.(shot)
      await shot.waitForLoadState('networkidle', { timeout: 2000 }).catch(() => undefined)
      await shot.screenshot({ path: join(IMAGES, `console-${name}.png`) })
      await shooting.close()
    }
    const dark = { colorScheme: 'dark' } as const
    await shoot('wall', '', { ...dark, viewport: { width: 1440, height: 900 } }, shot =>
      shot.locator('.rail tbody tr').nth(20).waitFor(),
    )
    await shoot('route', 'routes/github', { viewport: { width: 1200, height: 760 } }, shot =>
      shot.locator('.chart canvas').nth(1).waitFor(),
    )
    await shoot('decision', 'captures', { viewport: { width: 1200, height: 760 } }, async shot => {
      await shot.getByLabel('Route').selectOption('github')
      await shot
        .getByRole('row', { name: /signature\.mismatch/ })
        .first()
        .getByRole('link')
        .click()
      await shot.getByRole('dialog').getByText('FAIL').waitFor()
    })
    await shoot('phone', '', { ...dark, viewport: PHONE }, shot =>
      shot.getByRole('row', { name: /^github / }).waitFor(),
    )
    await shoot('phone-live', 'live', { viewport: PHONE }, shot => shot.locator('.stream tbody tr').nth(8).waitFor())
  })
})
