import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type ConsoleGate, startConsoleGate } from '../support/console-gate.ts'

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'
const IN_PAGE = readFileSync(join(import.meta.dirname, '../support/in-page.js'), 'utf8')
const SECTIONS = ['', 'live', 'captures', 'expiries', 'bridge', 'config', 'routes/github']

let stand: ConsoleGate
let browser: Browser
let context: BrowserContext
let page: Page

/** Runs a function of test/support/in-page.js there. */
const inPage = (where: Page, name: string): Promise<unknown> => where.evaluate(`${IN_PAGE}; inPage.${name}()`)

const go = (section: string) => page.goto(`${stand.url}#/${section}`)

beforeAll(async () => {
  stand = await startConsoleGate()
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
  context = await browser.newContext({ viewport: { width: 1600, height: 1000 } })
  const first = await context.newPage()
  await first.goto(stand.url)
  await first.getByLabel('Admin token').fill(stand.env.ADMIN_TOKEN)
  await first.getByRole('button', { name: 'Log in' }).click()
  await first.getByRole('heading', { name: 'Routes' }).waitFor()
  await first.close()
  await stand.traffic(12)
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await stand?.close()
})

beforeEach(async () => {
  page = await context.newPage()
  page.setDefaultTimeout(15_000)
})

afterEach(() => page.close())

describe('the sections of the console', { timeout: 60_000 }, () => {
  it('keeps what was shown while a filter is typed, and does not ask the gate at every key', async () => {
    await go('live')
    await page.getByText('watching').waitFor()
    await stand.traffic(2)
    const stripe = page.getByRole('row', { name: /\/hooks\/stripe/ })
    // Two rounds of traffic, with two webhooks of this route in each.
    await expect.poll(() => stripe.count()).toBe(4)
    const asked: string[] = []
    page.on('request', request => asked.push(request.url()))
    await page.getByLabel(/^Source, path/).pressSequentially('hooks/str', { delay: 40 })
    expect(await stripe.count()).toBe(4)
    expect(await page.locator('tbody tr').count()).toBe(4)
    await page.waitForRequest(/api\/decisions\?text=hooks%2Fstr$/)
    expect(asked.filter(url => url.includes('api/decisions')).length).toBeLessThan(3)
    await page.getByLabel(/^Source, path/).fill('')
    await page
      .getByRole('row', { name: /\/kb\/articles/ })
      .first()
      .waitFor()
  })

  it('filters captures by what is typed, and tells the kept of a route from those of all', async () => {
    await go('captures')
    await page.locator('tbody tr').nth(3).waitFor()
    const kept = (await page.getByText(/^\d+ kept, /).textContent())?.trim() ?? ''
    const code = page.getByLabel('Code')
    const polled = page.waitForResponse(/api\/gate$/)
    await code.pressSequentially('bearer.unknown', { delay: 20 })
    await polled
    expect(await code.inputValue()).toBe('bearer.unknown')
    await page.getByText(/^\d+ shown; of all routes \d+ kept, /).waitFor()
    expect(await page.locator('tbody tr', { hasNotText: 'bearer.unknown' }).count()).toBe(0)
    await go('routes/stripe')
    await page.getByText(`0 shown; of all routes ${kept}`).waitFor()
    await page.getByText('None of those that are kept fits.').waitFor()
  })

  it('says so where there is no such route, and where a request is not kept any more', async () => {
    await go('routes/zzz')
    await page.getByRole('alert').getByText('The config in force has no route of this name.').waitFor()
    expect(await page.getByRole('heading', { name: 'Checks' }).count()).toBe(0)
    await go('requests/01KAR5D9M0V7T3E8Q2J4XWY6ZB')
    const dialog = page.getByRole('dialog', { name: 'Request 01KAR5D9M0V7T3E8Q2J4XWY6ZB' })
    await dialog.getByText('It is not kept, or not any more.').waitFor()
    expect(await dialog.locator('.state').count()).toBe(0)
  })

  it('tells all of the plan: what only reports, and the sections of the whole gate', async () => {
    await page.route('**/api/config', async route => {
      const response = await route.fetch()
      const plan = await response.json()
      await route.fulfill({ response, json: { ...plan, alerts: { repeat: '4h' }, telemetry: { every: '1m' } } })
    })
    await go('config')
    await page.getByText('github', { exact: true }).click()
    await page.getByRole('row', { name: /^schema content, reports only/ }).waitFor()
    await page.getByRole('row', { name: /^workers 1$/ }).waitFor()
    for (const [section, row] of [
      ['captures', /^mask \[\$\.card\]$/],
      ['alerts', /^repeat 4h$/],
      ['telemetry', /^every 1m$/],
    ] as const) {
      await page.locator('summary', { hasText: section }).click()
      await page.getByRole('row', { name: row }).waitFor()
    }
    await page.unrouteAll({ behavior: 'wait' })
  })

  it.each([400, 1000, 1400])('leaves its tables in their place, and words whole, at %d px', async width => {
    await page.setViewportSize({ width, height: 900 })
    for (const section of SECTIONS) {
      await go(section)
      await page.locator('main').getByRole('heading').first().waitFor()
      if (['', 'bridge', 'captures'].includes(section))
        await page.locator('main tbody tr:not(.u-series)').first().waitFor()
      expect(await inPage(page, 'spilling'), section).toEqual([])
      expect(await inPage(page, 'brokenWords'), section).toEqual([])
    }
  })
})
