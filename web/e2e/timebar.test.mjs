// The time bar and the past, against the stand-in server: its past is made up and always the same (a backup that ended
// eleven hours ago, a gap before it was six and a quarter).
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { launch } from './browser.mjs'
import { check } from './axe.mjs'
import { PATIENCE, addressed, reads, rows, settled, until } from './procyon.mjs'

const HOUR = 3600e3
let browser
const servers = []
async function standIn(...args) {
  const p = spawn(process.execPath, [fileURLToPath(new URL('../mock/server.mjs', import.meta.url)), '--rows', '120', ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  servers.push(p)
  return new Promise((resolve, reject) => {
    p.once('exit', (code) => reject(new Error(`the stand-in ended with ${code}`)))
    createInterface({ input: p.stdout }).on('line', (line) => {
      const m = /(http:\/\/\S+)/.exec(line)
      if (m) resolve(m[1])
    })
  })
}
let url, began
before(async () => {
  browser = await launch()
  url = await standIn()
  began = Date.now()
})
after(async () => {
  await browser?.close()
  for (const p of servers) p.kill()
})

async function open(path, { theme = 'dark', lang = 'en', at = url } = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: theme, locale: lang === 'zh' ? 'zh-CN' : 'en-US', timezoneId: 'Asia/Shanghai' })
  context.setDefaultTimeout(PATIENCE)
  const page = await context.newPage()
  page.errors = []
  page.on('pageerror', (e) => { page.errors.push(e.message) })
  await page.goto(`${at}${path}`)
  await settled(page)
  return page
}
async function close(page) {
  assert.deepEqual(page.errors, [])
  await page.context().close()
}
const rewound = (page) => page.waitForFunction(() => document.body.classList.contains('past') && document.querySelector('.time button.live') !== null)
const live = (page) => page.waitForFunction(() => !document.body.classList.contains('past') && document.querySelector('.time .live:not(.off)') !== null)
/** The point of the time bar that shows an instant of a bar of 24 hours. */
async function pointOf(page, ago) {
  await page.locator('.track canvas').waitFor()
  const box = await page.locator('.track').boundingBox()
  return { x: box.x + (box.width - 7) * (1 - ago / 24), y: box.y + 40 }
}

test('a click on the bar rewinds the whole view, l brings it back', async () => {
  const page = await open('h/local')
  await live(page)
  await until(async () => (await page.getByRole('slider').getAttribute('aria-disabled')) === 'false', 'there is history')
  const p = await pointOf(page, 11.25)
  await page.mouse.click(p.x, p.y)
  await rewound(page)
  await until(async () => (await rows(page)).slice(0, 3).some((r) => /xtrabackup/.test(r.cmd) && r.pid === '20911'), 'what ran then is on top')
  await addressed(page, /[?&]at=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00/)
  await reads(page.locator('.stbar'), /actions are off/)
  await check(page, 'host, past')
  await page.keyboard.press('l')
  await live(page)
  await until(async () => !(await rows(page)).some((r) => r.pid === '20911'), 'it does not run now')
  assert.doesNotMatch(page.url(), /at=/)
  await close(page)
})

test('a range marked on a chart names who used most of it, and leads to the process as it was', async () => {
  const page = await open(`h/local?at=${began - Math.floor(11.25 * HOUR)}`, { theme: 'light' })
  await rewound(page)
  const chart = page.locator('.charts .chart').nth(2)
  await chart.locator('.u-over').waitFor()
  // The charts of the window are there when the backup has a colour in them.
  await until(async () => (await rows(page)).some((r) => r.pid === '20911' && /\bp[1-6]\b/.test(r.chip)), 'the backup has a colour')
  const box = await chart.locator('.u-over').boundingBox()
  await page.mouse.move(box.x + box.width * 0.3, box.y + 40)
  await page.mouse.down()
  await page.mouse.move(box.x + box.width * 0.6, box.y + 40, { steps: 4 })
  await page.mouse.up()
  await addressed(page, /[?&]from=\d{4}-.*&to=\d{4}-/)
  // The chart of the disks asks for bytes read or written, not for CPU.
  await reads(page.locator('.topr .seg [aria-checked=true]'), /Read|Write/)
  const first = page.locator('.toplist a').first()
  await reads(first, /xtrabackup/)
  await check(page, 'top consumers, past')
  await first.click()
  await addressed(page, /\/p\/20911-.*[?&]at=.*&from=/)
  await reads(page.locator('.ph'), /xtrabackup/)
  await until(async () => Number(await page.locator('.six .chart').first().locator('.val').textContent()) > 100, 'its CPU then')
  assert.ok(await page.locator('.ph .btn.danger').isDisabled())
  await check(page, 'process, past')
  await close(page)
})

test('a process is found after its end: how it ended, when it ran, and the way back to it', async () => {
  const key = '20911-123456789-1a2b3c4d'
  const page = await open(`h/local/p/${key}?at=${began - Math.floor(10.8 * HOUR)}`)
  await reads(page.locator('.banner.past'), /ended: it ran from/)
  await reads(page.locator('.ph'), /ended · exit 0/)
  await page.goto(`${url}h/local/p/${key}`)
  await page.getByRole('button', { name: /Last seen/ }).click()
  await rewound(page)
  await reads(page.locator('.ph h1'), /xtrabackup/)
  await close(page)
})

test('gaps and what lies before history say so and lead on', async () => {
  const page = await open(`h/local?at=${began - Math.floor(6.5 * HOUR)}`, { theme: 'light', lang: 'zh' })
  await rewound(page)
  const edges = page.locator('.banner.past').getByRole('button')
  await until(async () => (await edges.count()) === 2, 'both edges of the gap')
  await check(page, 'gap')
  await edges.last().click()
  await page.locator('.banner.past').waitFor({ state: 'detached' })
  await page.goto(`${url}h/local?at=2020-01-01T00:00:00Z`)
  await reads(page.locator('.banner.past'), /之前没有历史记录/)
  await page.locator('.banner.past').getByRole('button').first().click()
  await until(async () => (await rows(page)).length > 3, 'the first frame')
  await close(page)
})

test('keys step by frames and minutes, also while the bar has the focus; Back undoes', async () => {
  const page = await open(`h/local?at=${began - Math.floor(2 * HOUR)}`)
  await rewound(page)
  const at = () => { const v = /[?&]at=([^&]+)/.exec(page.url())?.[1] ?? ''; return /^\d+$/.test(v) ? Number(v) : Date.parse(v) }
  const first = at()
  await page.keyboard.press('ArrowLeft')
  await until(() => at() < first && first - at() <= 2000, 'a frame back')
  const second = at()
  await page.getByRole('slider').focus()
  await page.keyboard.press('Shift+ArrowLeft')
  await until(() => second - at() === 60_000, 'a minute back')
  await page.keyboard.press('End')
  await live(page)
  await page.goBack()
  await rewound(page)
  await page.locator('.when').click()
  await page.locator('.instant input').fill('soon')
  await page.keyboard.press('Enter')
  await reads(page.locator('.instant [role=alert]'), /03:12/)
  await page.locator('.instant input').fill('-3h')
  await page.keyboard.press('Enter')
  await until(() => Math.abs(Date.now() - 3 * HOUR - at()) < PATIENCE, 'three hours ago')
  await close(page)
})

test('without history the bar has the minutes in memory and says so', async () => {
  const off = await standIn('--history', '0')
  const page = await open(`h/local?at=${began - HOUR}`, { at: off })
  await live(page)
  await reads(page.locator('.time'), /History is off/)
  await reads(page.locator('.banner.past'), /History is off/)
  await check(page, 'history off')
  await close(page)
})
