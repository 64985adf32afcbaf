// The time bar and the past against a real procyon (UI.md section 13, 2 and 3).
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { BIN, Procyon, addressed, closeBrowser, live, openPage, reads, rows, settled, shot, until } from './procyon.mjs'

let procyon
before(async () => {
  procyon = await new Procyon().start()
  // Something to go back to.
  await kept(procyon, 4000)
})
after(async () => {
  await closeBrowser()
  await procyon?.stop()
})

const sleep = (ms) => new Promise((r) => setTimeout(r, ms))

/** Waits until history holds so many ms up to its newest frame. */
async function kept(p, ms) {
  return until(async () => {
    const h = await p.api('/hosts/local/history')
    return h.from !== null && h.to - h.from >= ms && h
  }, `history holds ${ms} ms`)
}

/** Waits until history holds an instant, so that a page can go there. */
const keptUntil = (p, at) => until(async () => (await p.api('/hosts/local/history')).to >= at, 'history holds the instant')

const BURNER = "const{Worker}=require('worker_threads');for(let i=0;i<4;i++)new Worker('for(;;);',{eval:true})"
function burn(t, word) {
  const p = spawn(process.execPath, ['-e', BURNER, word], { stdio: 'ignore' })
  t.after(() => p.kill('SIGKILL'))
  p.gone = new Promise((r) => p.once('exit', r))
  return p
}

/** The page shows a past instant and has the rows of it. */
async function rewound(page) {
  await page.waitForFunction(() => document.body.classList.contains('past') && document.querySelector('.time button.live') !== null)
  await settled(page)
}

/** Types an instant into the field of the time bar. */
async function typeInstant(page, text) {
  await page.locator('.when').click()
  await page.locator('.instant input').fill(text)
  await page.keyboard.press('Enter')
  await page.locator('.instant input').waitFor({ state: 'detached' })
}

const iso = (ms) => new Date(ms).toISOString()

test('rewind to before a process began: its row is gone, nothing can be done to it; l brings it back', async (t) => {
  const page = await openPage(procyon)
  await page.open('/h/local')
  await live(page)
  const before = Date.now() - 1500
  const burner = burn(t, 'began-after-the-instant')
  const there = async () => (await rows(page)).find((r) => r.pid === String(burner.pid))
  await until(there, 'the row of the burner')
  await keptUntil(procyon, before + 3000)
  await typeInstant(page, iso(before))
  await rewound(page)
  await until(async () => (await there()) === undefined, 'the row is gone')
  await addressed(page, /[?&]at=\d{4}-/)
  await page.locator('.hh .badge.past').getByText('Past').waitFor()
  await reads(page.locator('.stbar'), /actions are off/)
  await page.keyboard.press('j')
  await page.locator('.grid .gr.sel').waitFor()
  await page.keyboard.press('.')
  for (const word of ['Trace', 'Signal']) await page.locator('[role=menu] button[aria-disabled=true]', { hasText: word }).waitFor()
  await page.keyboard.press('Escape')
  await page.locator('[role=menu]').waitFor({ state: 'detached' })
  await page.keyboard.press('x')
  await page.keyboard.press('Enter')
  await page.locator('.ph .btn.danger').waitFor()
  assert.ok(await page.locator('.ph .btn.danger').isDisabled())
  assert.equal(await page.locator('dialog[open]').count(), 0)
  await addressed(page, /\/p\/\d+-\d+-.*[?&]at=/)
  await page.keyboard.press('Backspace')
  await rewound(page)
  await shot(page, 'host-past-dark')
  await page.keyboard.press('l')
  await live(page)
  await until(there, 'the row is back')
  assert.doesNotMatch(page.url(), /[?&]at=/)
  assert.deepEqual(page.errors, [])
  await page.context().close()
})

test('a copied link opens the same rows, sort, filter and instant in a fresh browser', async (t) => {
  const p = spawn(process.execPath, ['-e', 'setInterval(()=>{},1000)', 'in-the-link'], { stdio: 'ignore' })
  t.after(() => p.kill('SIGKILL'))
  const page = await openPage(procyon)
  await page.open('/h/local?q=cmd.contains("in-the-link")&sort=-rss')
  await until(async () => (await rows(page)).some((r) => r.pid === String(p.pid)), 'the row')
  await page.getByRole('button', { name: 'Copy link' }).click()
  const link = await until(async () => {
    const text = await page.evaluate(() => navigator.clipboard.readText())
    return /[?&]at=\d{4}-/.test(text) && text
  }, 'the link holds the instant')
  const at = Date.parse(/[?&]at=([^&]+)/.exec(link)[1])
  await keptUntil(procyon, at)
  // What happens later does not change what the link shows.
  p.kill('SIGKILL')
  const other = await openPage(procyon, { theme: 'light', lang: 'zh' })
  await other.open(new URL(link).pathname + new URL(link).search)
  await rewound(other)
  await until(async () => {
    const there = await rows(other)
    return there.some((r) => r.pid === String(p.pid)) && there.every((r) => /in-the-link/.test(r.cmd))
  }, 'the same rows')
  assert.equal(await other.locator('[role=columnheader][data-col=rss]').getAttribute('aria-sort'), 'descending')
  // The field shows whole seconds in the zone of the browser.
  await reads(other.locator('.when'), new RegExp(new Date(Math.floor(at / 1000) * 1000 + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ')))
  await shot(other, 'host-past-zh-light')
  assert.deepEqual([...page.errors, ...other.errors], [])
  await page.context().close()
  await other.context().close()
})

test('a piece of history that was sent shows on another machine as it was: its frame, its processes, nothing to do to them', async (t) => {
  const burner = burn(t, 'in-the-piece')
  const began = Date.now()
  await keptUntil(procyon, began + 4000)
  const file = join(mkdtempSync(join(tmpdir(), 'procyon-piece-')), 'piece.procyon')
  execFileSync(BIN, ['snapshot', '--data', procyon.data, '--from', String(began - 1000), '--to', String(began + 4000), '-o', file])
  burner.kill('SIGKILL')
  const other = await new Procyon(['--file', file]).start()
  t.after(() => other.stop())
  const page = await openPage(other, { theme: 'light' })
  await page.open(other.path)
  await rewound(page)
  const row = await until(async () => (await rows(page)).find((r) => r.pid === String(burner.pid)), 'the row of the burner')
  assert.match(row.cmd, /in-the-piece/)
  await page.locator('.hh .badge.past').getByText('Past').waitFor()
  await shot(page, 'host-piece-light')
  await page.locator('.grid .gr', { hasText: 'in-the-piece' }).first().dblclick()
  await addressed(page, new RegExp(`/p/${burner.pid}-`))
  await until(async () => /in-the-piece/.test(await page.locator('body').innerText()), 'the page of the process')
  for (const button of await page.locator('.ph .btn.danger').all()) assert.ok(await button.isDisabled())
  await shot(page, 'process-piece-light')
  assert.deepEqual(page.errors, [])
  await page.context().close()
})

test('a workload is over: three clicks tell which process it was and what it did', async (t) => {
  const page = await openPage(procyon)
  const began = Date.now()
  const burner = burn(t, 'the-workload-of-last-night')
  await sleep(6000)
  burner.kill('SIGKILL')
  await burner.gone
  const over = Date.now()
  await keptUntil(procyon, over + 2000)
  await page.open('/h/local')
  await live(page)
  // The charts hold the workload: it is marked with the pointer (1).
  const canvas = page.locator('.charts .chart').first().locator('.u-over')
  await canvas.waitFor()
  const box = await canvas.boundingBox()
  // The newest point is at the right; the axis holds at least a minute and as much as the history has.
  const h = await procyon.api('/hosts/local/history')
  const now = Date.now()
  const wide = Math.min(15 * 60_000, Math.max(60_000, now - h.from))
  const x = (ms) => box.x + Math.max(2, Math.min(box.width - 2, box.width * (1 - (now - ms) / wide)))
  await page.mouse.move(x(began), box.y + 30)
  await page.mouse.down()
  await page.mouse.move(x((began + over) / 2), box.y + 40, { steps: 4 })
  await page.mouse.move(Math.max(x(over), x(began) + 12), box.y + 40, { steps: 4 })
  await page.mouse.up()
  await addressed(page, /[?&]from=\d{4}-.*&to=\d{4}-/)
  await rewound(page)
  // The heaviest of the range stands there by name (2).
  const entry = page.locator('.toplist a').filter({ hasText: String(burner.pid) })
  await entry.waitFor()
  await shot(page, 'host-range-dark')
  await entry.click()
  await addressed(page, new RegExp(`/p/${burner.pid}-\\d+-.*[?&]at=`))
  await page.getByRole('heading', { name: new RegExp(String(burner.pid)) }).waitFor()
  await reads(page.locator('aside'), /the-workload-of-last-night/)
  // Its CPU is drawn, and the instant says how much.
  await until(async () => {
    const value = await page.locator('.six .chart').first().locator('.val').textContent()
    return Number(value) > 5
  }, 'its CPU at the instant')
  await page.locator('.six .chart').first().hover()
  await page.locator('.six .chart').first().locator('button.data').click()
  await until(async () => (await page.locator('.datatable tbody td').allTextContents()).some((x) => parseFloat(x) > 5), 'its CPU over the range')
  await shot(page, 'process-past-dark')
  // After its end the page says how it ended.
  await typeInstant(page, iso(over + 1500))
  await reads(page.locator('.ph'), /ended · SIGKILL/)
  await reads(page.locator('[data-death]'), /SIGKILL/)
  await reads(page.locator('.banner.past'), /ended/)
  assert.deepEqual(page.errors, [])
  await page.context().close()
})

test('the time bar: a click rewinds, arrows step by frames, Shift by minutes, End is live', async () => {
  // A click near the right edge and some frames back: that much has to be there.
  await kept(procyon, 25_000)
  const page = await openPage(procyon)
  await page.open('/h/local')
  await live(page)
  const track = page.getByRole('slider')
  await until(async () => (await track.getAttribute('aria-disabled')) === 'false', 'there is history')
  assert.match(await track.getAttribute('aria-valuetext'), /Live/)
  const box = await track.boundingBox()
  await page.mouse.click(box.x + box.width - 12, box.y + box.height / 2)
  await rewound(page)
  const at = () => /[?&]at=([^&]+)/.exec(page.url())?.[1] ?? ''
  const instant = () => Date.parse(at())
  await until(() => at() !== '', 'the address holds the instant')
  await reads(page.locator('.instant small'), /ago/)
  const first = instant()
  await page.keyboard.press('ArrowLeft')
  await until(() => instant() < first, 'one frame back')
  const second = instant()
  // The address holds the instant of a frame now: on and back lead to the same two.
  await page.keyboard.press('ArrowRight')
  await until(() => at() === '' || instant() > second, 'one frame on')
  await page.keyboard.press('ArrowLeft')
  await until(() => at() !== '', 'in the past')
  await page.keyboard.press('Shift+ArrowLeft')
  await until(() => instant() < second, 'a minute back, or to where history begins')
  await until(async () => /ago/.test(await track.getAttribute('aria-valuetext')), 'the slider says the instant in words')
  await track.focus()
  await page.keyboard.press('End')
  await live(page)
  // The browser's own Back rewinds again.
  await page.goBack()
  await rewound(page)
  assert.deepEqual(page.errors, [])
  await page.context().close()
})

test('a dragged playhead: the table follows from the strip, rows only, and the exact frame comes when the pointer rests', async () => {
  await kept(procyon, 25_000)
  const page = await openPage(procyon)
  await page.open('/h/local')
  await live(page)
  const track = page.getByRole('slider')
  await until(async () => (await track.getAttribute('aria-disabled')) === 'false', 'there is history')
  const box = await track.boundingBox()
  const asked = []
  page.on('request', (r) => {
    const u = new URL(r.url())
    if (/\/(processes|figures)$/.test(u.pathname) && u.searchParams.has('at')) asked.push({ what: u.pathname.split('/').at(-1), at: Number(u.searchParams.get('at')), limit: u.searchParams.get('limit') })
  })
  const right = box.x + box.width - 9
  await page.mouse.move(right, box.y + box.height / 2)
  await page.mouse.down()
  // Slowly back over what there is: a pixel is some seconds.
  for (let i = 0; i < 30; i += 1) {
    await page.mouse.move(right - i * 0.4, box.y + box.height / 2)
    await sleep(60)
  }
  await until(() => asked.filter((x) => x.limit !== '0' && x.what === 'processes').length >= 3, 'the strip is fetched ahead')
  const strip = asked.filter((x) => x.limit !== '0' && x.what === 'processes')
  assert.ok(strip.every((x) => Number(x.limit) > 10), 'as many rows as are in sight')
  // The pointer rests while the button is still down: the exact frame of that instant, with the figures of the host.
  const exact = () => asked.filter((x) => x.limit === '0').at(-1)?.at
  const resting = async () => Number(await track.getAttribute('aria-valuenow')) * 1000
  await until(async () => exact() !== undefined && Math.abs(exact() - (await resting())) < 1500 && asked.some((x) => x.what === 'figures' && x.at === exact()), 'the exact frame')
  assert.doesNotMatch(page.url(), /[?&]at=/, 'the address waits for the end of the drag')
  await page.mouse.up()
  await rewound(page)
  await addressed(page, /[?&]at=\d{4}-/)
  assert.deepEqual(page.errors, [])
  await page.context().close()
})

test('what cannot be typed says so, and what can does not move with time', async () => {
  const page = await openPage(procyon)
  await page.open('/h/local')
  await live(page)
  await page.locator('.when').click()
  await page.locator('.instant input').fill('the day after')
  await page.keyboard.press('Enter')
  await reads(page.locator('.instant [role=alert]'), /03:12/)
  await page.locator('.instant input').fill('-3s')
  await page.keyboard.press('Enter')
  await rewound(page)
  const shown = await page.locator('.when').textContent()
  await sleep(2500)
  assert.equal(await page.locator('.when').textContent(), shown, 'a new frame never pulls a rewound view forward')
  await typeInstant(page, 'now')
  await live(page)
  assert.deepEqual(page.errors, [])
  await page.context().close()
})

test('a gap says its edges, and both lead on', async (t) => {
  const own = await new Procyon().start()
  t.after(() => own.stop())
  const page = await openPage(own)
  await page.open('/h/local')
  await live(page)
  await kept(own, 2000)
  await own.crash()
  const away = Date.now()
  await sleep(7000)
  await own.start()
  await keptUntil(own, Date.now())
  await page.goto(`${own.url}/h/local?at=${iso(away + 4000)}`)
  await rewound(page)
  const banner = page.locator('.banner.past').filter({ hasText: 'No data for' })
  await banner.waitFor()
  await shot(page, 'host-gap-dark')
  const edges = banner.getByRole('button')
  assert.equal(await edges.count(), 2)
  await edges.last().click()
  await banner.waitFor({ state: 'detached' })
  await rewound(page)
  assert.deepEqual(page.errors, [])
  await page.context().close()
})

test('history switched off: the bar has the minutes in memory and says so', async (t) => {
  const own = await new Procyon(['--no-history']).start()
  t.after(() => own.stop())
  const page = await openPage(own)
  await page.open('/h/local')
  await live(page)
  await page.getByText('History is off').waitFor()
  await page.goto(`${own.url}/h/local?at=${iso(Date.now() - 60_000)}`)
  await live(page)
  await reads(page.locator('.banner.past'), /History is off/)
  await shot(page, 'host-history-off-dark')
  assert.deepEqual(page.errors, [])
  await page.context().close()
})
