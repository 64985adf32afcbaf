// Budgets of UI.md section 10 with 3 000 synthetic rows, every value changing each second.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { after, before, test } from 'node:test'
import { launch } from './browser.mjs'

const ROWS = 3000
const SECONDS = Number(process.env.PERF_SECONDS ?? 15)
let server, browser, page, url

before(async () => {
  server = spawn(process.execPath, [fileURLToPath(new URL('../mock/server.mjs', import.meta.url)), '--rows', String(ROWS)], { stdio: ['ignore', 'pipe', 'inherit'] })
  url = await new Promise((resolve, reject) => {
    server.once('exit', (code) => reject(new Error(`mock ended with ${code}`)))
    createInterface({ input: server.stdout }).on('line', (line) => {
      const m = /(http:\/\/\S+)/.exec(line)
      if (m) resolve(m[1])
    })
  })
  browser = await launch()
  page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage()
  page.on('pageerror', (e) => { throw e })
})
after(async () => {
  await browser?.close()
  server?.kill()
})

/**
 * Watches the page for a while: the longest tasks of its main thread and the gaps between animation frames. A task is
 * weighed by the processor time it took (`tdur` of the browser's trace), so that other work on the machine does not count.
 */
async function watch(seconds, during) {
  const client = await page.context().newCDPSession(page)
  const events = []
  client.on('Tracing.dataCollected', (e) => events.push(...e.value))
  const complete = new Promise((resolve) => client.once('Tracing.tracingComplete', resolve))
  await client.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { includedCategories: ['toplevel', 'disabled-by-default-devtools.timeline', '__metadata'] } })
  await page.evaluate(() => {
    const w = (window.__watch = { gaps: [], last: 0, on: true })
    const step = (t) => {
      if (w.last > 0) w.gaps.push(t - w.last)
      w.last = t
      if (w.on) requestAnimationFrame(step)
    }
    requestAnimationFrame(step)
  })
  const end = Date.now() + seconds * 1000
  while (Date.now() < end) await during()
  const gaps = await page.evaluate(() => {
    window.__watch.on = false
    return window.__watch.gaps.slice(2).sort((a, b) => a - b)
  })
  await client.send('Tracing.end')
  await complete
  await client.detach()
  const main = new Set(events.filter((e) => e.name === 'thread_name' && e.args?.name === 'CrRendererMain').map((e) => `${e.pid}.${e.tid}`))
  const tasks = events.filter((e) => e.ph === 'X' && /RunTask$/.test(e.name) && main.has(`${e.pid}.${e.tid}`))
  assert.ok(tasks.length > 10 && tasks.some((e) => e.tdur > 0), 'the trace has tasks with their processor time')
  const cpu = tasks.map((e) => (e.tdur ?? 0) / 1000).sort((a, b) => b - a)
  return {
    long: cpu.filter((t) => t > 50).map(Math.round), worst: Math.round(cpu[0]), seconds,
    busy: Math.round(cpu.reduce((a, b) => a + b, 0) / seconds / (tasks.some((e) => e.name === 'RunTask') && tasks.some((e) => e.name !== 'RunTask') ? 2 : 1)),
    median: gaps[gaps.length >> 1], p95: gaps[Math.floor(gaps.length * 0.95)], frames: gaps.length,
  }
}
// One task over the limit in a run is let pass: the collector of garbage comes when it likes.
const sleep = (ms) => new Promise((r) => setTimeout(r, ms))

test('3 000 rows: no task over 50 ms while values change', async () => {
  await page.goto(`${url}h/local`)
  await page.waitForFunction((n) => document.querySelector('.gridbox')?.getAttribute('aria-rowcount') === String(n + 1), ROWS, { timeout: 20_000 })
  await sleep(4000)
  const first = await page.locator('.grid .body .gr:visible .c-cpu').first().textContent()
  const r = await watch(SECONDS, () => sleep(250))
  console.log('still   ', JSON.stringify(r))
  assert.notEqual(await page.locator('.grid .body .gr:visible .c-cpu').first().textContent(), first, 'values change')
  assert.ok(r.long.length <= 1, `long tasks: ${r.long.join(' ')} ms`)
})

test('3 000 rows: scrolling keeps 55 frames a second', async () => {
  await page.mouse.move(700, 700)
  const r = await watch(8, async () => {
    await page.mouse.wheel(0, 240)
    await sleep(30)
  })
  console.log('scroll  ', JSON.stringify(r))
  assert.ok(r.long.length <= 1, `long tasks: ${r.long.join(' ')} ms`)
  assert.ok(r.median <= 1000 / 55, `median gap between frames ${r.median} ms`)
})

test('only what is on the screen is in the document', async () => {
  const rows = await page.locator('.grid .body .gr').count()
  assert.ok(rows < 80, `${rows} rows in the document`)
})

test('tree and groups of 3 000 rows stay within the budget', async () => {
  for (const view of ['tree', 'name']) {
    await page.goto(`${url}h/local?view=${view}`)
    await page.waitForFunction(() => Number(document.querySelector('.gridbox')?.getAttribute('aria-rowcount')) > 3)
    await sleep(3000)
    const r = await watch(6, () => sleep(250))
    console.log(view.padEnd(8), JSON.stringify(r))
    assert.ok(r.long.length <= 1, `${view}: long tasks: ${r.long.join(' ')} ms`)
  }
})

test('a filter key reaches the table within its budget', async () => {
  await page.goto(`${url}h/local`)
  await page.waitForFunction((n) => document.querySelector('.gridbox')?.getAttribute('aria-rowcount') === String(n + 1), ROWS)
  const took = await page.evaluate(async () => {
    const input = document.querySelector('[role=combobox]')
    const grid = document.querySelector('.gridbox')
    const before = grid.getAttribute('aria-rowcount')
    const start = performance.now()
    input.focus()
    input.value = 'cpu >= 0.2'
    input.dispatchEvent(new InputEvent('input', { bubbles: true }))
    while (grid.getAttribute('aria-rowcount') === before && performance.now() - start < 5000) await new Promise((r) => requestAnimationFrame(r))
    return performance.now() - start
  })
  console.log('filter  ', Math.round(took), 'ms, with the round trip and 40 ms of waiting for the next key')
  assert.ok(took < 1000, `${took} ms`)
})

test('first useful paint, cold', async () => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const p = await context.newPage()
  await p.goto(`${url}h/local`)
  await p.waitForFunction(() => (document.querySelectorAll('.grid .body .gr:not([hidden])').length > 10 ? performance.now() : 0))
  const ms = await p.evaluate(() => performance.now())
  console.log('cold    ', Math.round(ms), 'ms to rows on the screen')
  assert.ok(ms < 5000, `${ms} ms`)
  await context.close()
})
