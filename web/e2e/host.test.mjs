// The host view against a real procyon (UI.md section 13).
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { after, before, test } from 'node:test'
import { Procyon, addressed, chord, closeBrowser, live, openPage, reads, rows, settled, shot, until } from './procyon.mjs'

let procyon
before(async () => { procyon = await new Procyon().start() })
after(async () => {
  await closeBrowser()
  await procyon?.stop()
})

/** A process of our own; killed when the test ends. */
function child(t, args) {
  const p = spawn(process.execPath, args, { stdio: 'ignore' })
  t.after(() => p.kill('SIGKILL'))
  return p
}

/** Burns CPU with several threads, so that it stays among the heaviest also where much else runs. */
const BURNER = "const{Worker}=require('worker_threads');for(let i=0;i<4;i++)new Worker('for(;;);',{eval:true})"

test('a process that burns CPU comes to the top, its chip has the colour of its band', async (t) => {
  const page = await openPage(procyon)
  await page.open('/h/local')
  await live(page)
  await page.mouse.move(5, 5)
  const started = Date.now()
  const burner = child(t, ['-e', BURNER, 'burner-of-the-test'])
  const found = async () => (await rows(page)).slice(0, 5).find((r) => r.pid === String(burner.pid))
  await until(found, 'the burner among the first five')
  console.log(`on top after ${Date.now() - started} ms`)
  await until(async () => /burner-of-the-test/.test((await found())?.cmd ?? ''), 'the row shows its command line')
  // The tooltip of the chart names the band of the colour of its chip.
  const box = await page.locator('.charts .chart').first().locator('.canvas').boundingBox()
  await until(async () => {
    await page.mouse.move(box.x + box.width - 3 - Math.random(), box.y + box.height / 2)
    const n = /\bp([1-6])\b/.exec((await rows(page)).find((r) => r.pid === String(burner.pid))?.chip ?? '')?.[1]
    return n !== undefined && page.evaluate((v) => [...document.querySelectorAll('.tip .pchip')].some((c) => c.style.getPropertyValue('--c') === v), `var(--p${n})`)
  }, 'the burner has a colour and the tooltip a band of it')
  await shot(page, 'host-live-dark')
  assert.deepEqual(page.errors, [])
  await page.context().close()
})

test('the four charts have their data as a table', async () => {
  const page = await openPage(procyon)
  await page.open('/h/local')
  await live(page)
  await until(async () => (await page.locator('.charts .chart .canvas').count()) === 4, 'four charts')
  await page.locator('.charts .chart').first().hover()
  await page.locator('.charts .chart').first().locator('button.data').click()
  await page.waitForSelector('.datatable tbody tr')
  assert.ok((await page.locator('.datatable thead th').count()) >= 2)
  assert.deepEqual(page.errors, [])
  await page.context().close()
})

test('a link carries filter, sort, view and columns to a fresh browser', async (t) => {
  const p = child(t, ['-e', 'setInterval(()=>{},1000)', 'linked-process'])
  const page = await openPage(procyon)
  await page.open('/h/local')
  await live(page)
  await page.keyboard.press('/')
  await page.keyboard.type('cmd.contains("linked-process")')
  await until(async () => (await rows(page)).length >= 1 && (await rows(page)).every((r) => /linked-process/.test(r.cmd)), 'only rows that match')
  await page.keyboard.press('Enter')
  await page.locator('[role=columnheader][data-col=rss]').click()
  await addressed(page, /sort=-rss/)
  await page.getByRole('button', { name: 'Copy link' }).click()
  const link = await until(async () => {
    const text = await page.evaluate(() => navigator.clipboard.readText())
    return /sort=-rss/.test(text) && text
  }, 'the link is in the clipboard')
  assert.match(link, /q=cmd\.contains/)
  const other = await openPage(procyon, { theme: 'light' })
  await other.open(new URL(link).pathname + new URL(link).search)
  await settled(other)
  await until(async () => {
    const there = await rows(other)
    return there.some((r) => r.pid === String(p.pid)) && there.every((r) => /linked-process/.test(r.cmd))
  }, 'the same rows in the fresh browser')
  assert.equal(await other.locator('[role=columnheader][data-col=rss]').getAttribute('aria-sort'), 'descending')
  assert.equal(await other.locator('[role=combobox]').inputValue(), 'cmd.contains("linked-process")')
  await other.goto(`${procyon.url}/h/local?colour=blue&at=2020-01-01T00:00:00Z&tz=UTC`)
  // Long before there was any history: the page says so, with history and without.
  await reads(other.locator('.banner.past'), /history/i)
  await reads(other.locator('.time'), /UTC/)
  assert.deepEqual([...page.errors, ...other.errors], [])
  await page.context().close()
  await other.context().close()
})

test('a filter with a mistake names the place and the fix, and the rows stay', async () => {
  const page = await openPage(procyon)
  await page.open('/h/local')
  await live(page)
  await page.keyboard.press('/')
  await page.keyboard.type('pid > 0 && nam != ""')
  // What was half typed may be a mistake of its own for a moment.
  const text = await reads(page.locator('.mistake'), /name\?/)
  assert.match(text, /nam/)
  assert.match(text, /12/)
  assert.ok((await rows(page)).length > 3, 'the table keeps its rows')
  await shot(page, 'host-filter-error-dark')
  await page.keyboard.press('Tab')
  await until(async () => /&& name != ""/.test(await page.locator('[role=combobox]').inputValue()), 'Tab takes the fix')
  await page.waitForSelector('.mistake', { state: 'detached' })
  // Escape closes the proposals, where there are some, and then clears.
  await chord(page, ['Escape'], async () => (await page.locator('[role=combobox]').inputValue()) === '', 'Escape clears the filter')
  assert.deepEqual(page.errors, [])
  await page.context().close()
})

test('a filter that nothing matches names what comes closest', async (t) => {
  const p = child(t, ['-e', 'setInterval(()=>{},1000)', 'closest-of-all'])
  const page = await openPage(procyon)
  await page.open('/h/local?q=cmd.contains("closest-of-all") %26%26 cpu > 5000.0')
  await reads(page.locator('.empty.over'), new RegExp(`The closest is\\s+node ${p.pid}`))
  await page.locator('.empty.over a').first().click()
  await addressed(page, new RegExp(`/p/${p.pid}-`))
  assert.deepEqual(page.errors, [])
  await page.context().close()
})

test('plain words are searched for, fields and values are completed', async (t) => {
  const p = child(t, ['-e', 'setInterval(()=>{},1000)', 'needle-in-the-stack'])
  const page = await openPage(procyon)
  await page.open('/h/local')
  await live(page)
  await page.keyboard.press('/')
  await page.keyboard.type('needle-in-the-stack')
  await until(async () => { const r = await rows(page); return r.length > 0 && r.every((x) => /needle-in-the-stack/.test(x.cmd)) && r.some((x) => x.pid === String(p.pid)) }, 'only the row with the word')
  await page.locator('[role=combobox]').fill('')
  await page.keyboard.type('thre')
  await page.waitForSelector('.proposals li')
  await page.keyboard.press('Tab')
  await until(async () => (await page.locator('[role=combobox]').inputValue()) === 'threads', 'Tab takes the proposal')
  await page.locator('[role=combobox]').fill('')
  await page.keyboard.type('name == "nod')
  await until(async () => (await page.locator('.proposals li').allTextContents()).some((x) => /^node/.test(x)), 'values are proposed')
  await page.context().close()
})

test('tree and groups, by keyboard alone', async (t) => {
  child(t, ['-e', 'setInterval(()=>{},1000)', 'grouped'])
  const page = await openPage(procyon)
  await page.open('/h/local')
  await live(page)
  await page.keyboard.press('t')
  await until(async () => (await rows(page)).some((r) => /[├└]/.test(r.cmd)), 'lines of a tree')
  await addressed(page, /view=tree/)
  await chord(page, ['b', 'n'], async () => (await rows(page)).some((r) => /^× \d/.test(r.pid)), 'groups by name')
  await page.keyboard.press('j')
  await addressed(page, /sel=/)
  await page.keyboard.press('Enter')
  await until(async () => (await rows(page)).some((r) => /\bsub\b/.test(r.cls)), 'an expanded group')
  await shot(page, 'host-group-dark')
  await chord(page, ['b', 'f'], () => !/view=/.test(page.url()), 'no groups')
  await chord(page, ['o', 'm'], () => /sort=-rss/.test(page.url()), 'sorted by memory')
  await page.keyboard.press('?')
  await page.waitForSelector('dialog[open]')
  await page.keyboard.press('Escape')
  await page.waitForSelector('dialog[open]', { state: 'detached' })
  await chord(page, ['j'], () => /sel=\d+-\d+-/.test(page.url()), 'a process is selected')
  await page.keyboard.press('Enter')
  await page.waitForSelector('.ph h1')
  await addressed(page, /\/h\/local\/p\/\d+-\d+-[0-9a-f]{8}/)
  await page.keyboard.press('Backspace')
  await live(page)
  await page.keyboard.press('Control+k')
  await page.waitForSelector('dialog[open] input')
  await page.locator('dialog[open] input').fill('disks')
  await page.getByText(/Disks/).last().waitFor()
  await page.keyboard.press('Enter')
  await page.waitForURL('**/h/local/disks')
  await page.waitForSelector('dialog[open]', { state: 'detached' })
  await page.keyboard.press('2')
  await page.waitForURL('**/h/local/connections')
  assert.deepEqual(page.errors, [])
  await page.context().close()
})

test('a selected row holds the order while values change; the mark releases it', async (t) => {
  // Two processes that take turns: every second the other one is the heavier.
  const TURNS = "const k=Number(process.argv[1]);setInterval(()=>{const n=Date.now();if(Math.floor(n/1000)%2===k){while(Date.now()-n<900);}},50)"
  const pair = [0, 1].map((k) => child(t, ['-e', TURNS, String(k), 'takes-turns']).pid)
  const page = await openPage(procyon)
  await page.open('/h/local?q=cmd.contains("takes-turns")')
  await page.mouse.move(5, 5)
  const order = async () => (await rows(page)).map((r) => Number(r.pid)).filter((p) => pair.includes(p)).join()
  await until(async () => (await order()).includes(','), 'both rows')
  // The page itself notes each order it shows, and each value.
  const watch = () => page.evaluate((pids) => {
    const seen = (window.__order = { orders: [], values: 0 })
    window.__watch?.disconnect()
    window.__watch = new MutationObserver(() => {
      const there = [...document.querySelectorAll('.grid .body .gr:not([hidden])')].sort((a, b) => Number(a.getAttribute('aria-rowindex')) - Number(b.getAttribute('aria-rowindex')))
      const now = there.map((r) => r.querySelector('.c-pid').textContent).filter((x) => pids.includes(x)).join()
      seen.values += 1
      if (seen.orders.at(-1) !== now) seen.orders.push(now)
    })
    window.__watch.observe(document.querySelector('.grid .body'), { subtree: true, childList: true, characterData: true, attributes: true })
  }, pair.map(String))
  await watch()
  await until(() => page.evaluate(() => window.__order.orders.length >= 3), 'the order follows the values')
  assert.equal(await page.locator('.held:visible').count(), 0)
  await page.keyboard.press('j')
  await page.locator('.held:visible').waitFor()
  // Whatever held-up frames do, an order that holds for five seconds changes at most once in four.
  await until(async () => {
    await watch()
    await new Promise((r) => setTimeout(r, 4000))
    return page.evaluate(() => window.__order.values > 0 && window.__order.orders.length <= 2)
  }, 'the order is held, the values change')
  await page.locator('.held').click()
  await page.mouse.move(5, 5)
  await page.locator('.held.away').waitFor({ state: 'attached' })
  await watch()
  await until(() => page.evaluate(() => window.__order.orders.length >= 3), 'the order follows the values again')
  assert.deepEqual(page.errors, [])
  await page.context().close()
})

test('every tab shows the rows of the machine', async () => {
  const page = await openPage(procyon)
  await page.open('/h/local')
  await live(page)
  for (const tab of ['connections', 'filesystems', 'disks', 'interfaces', 'cores', 'containers', 'users']) {
    await page.goto(`${procyon.url}/h/local/${tab}`)
    await page.waitForSelector(`nav.tabs a.on[href$="/${tab}"]`)
    await settled(page)
    // Some lists are read only every few seconds, so what the machine has is asked anew each time.
    await until(async () => {
      const there = (await procyon.api('/hosts/local/figures'))[tab]?.length ?? 1
      return (await rows(page)).length > 0 === there > 0
    }, `rows of ${tab} where there are some`)
  }
  await page.goto(`${procyon.url}/h/local/cores`)
  await until(async () => (await rows(page)).length === (await procyon.api('/hosts/local/figures')).cores.length, 'a row for each core')
  await shot(page, 'host-cores-dark')
  assert.deepEqual(page.errors, [])
  await page.context().close()
})

test('columns are chosen and the table is exported', async () => {
  const page = await openPage(procyon)
  await page.open('/h/local')
  await live(page)
  await page.locator('[data-columns]').click()
  await page.getByPlaceholder('Find a column').fill('nivcsw')
  await page.locator('.choice input:not(:checked)').first().click()
  await addressed(page, /cols=.*nivcsw/)
  await page.waitForSelector('[role=columnheader][data-col=nivcsw]')
  await page.keyboard.press('Escape')
  await page.waitForSelector('.popover', { state: 'detached' })
  await page.getByRole('button', { name: 'Export' }).click()
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: /CSV/ }).click()])
  const stream = await download.createReadStream()
  let text = ''
  for await (const part of stream) text += part
  const lines = text.trim().split('\r\n')
  assert.match(lines[0], /^key,pid,user,cmd,cpu,.*nivcsw$/)
  assert.ok(lines.length > 3)
  assert.match(lines[1], /^\d+-\d+-[0-9a-f]{8},\d+,/)
  assert.deepEqual(page.errors, [])
  await page.context().close()
})

test('the server dies: stale, a countdown, the rows stay; it comes back without a reload', async () => {
  const own = await new Procyon().start()
  try {
    const page = await openPage(own)
    await page.open('/h/local')
    await live(page)
    await page.evaluate(() => { window.__same = true })
    await own.crash()
    await page.waitForSelector('.gridbox.dim')
    await reads(page.locator('.banner.warn'), /next try in \d+ s|trying again/)
    assert.ok((await rows(page)).length > 3, 'stale rows stay')
    await shot(page, 'host-stale-dark')
    await own.start()
    await page.waitForSelector('.banner.warn', { state: 'detached' })
    await live(page)
    assert.equal(await page.evaluate(() => window.__same), true)
    await page.waitForSelector('.gridbox.dim', { state: 'detached' })
    assert.deepEqual(page.errors, [])
    await page.context().close()
  } finally {
    await own.stop()
  }
})

test('languages and themes switch and are kept', async () => {
  const page = await openPage(procyon, { lang: 'zh', theme: 'light' })
  await page.open('/h/local')
  await live(page)
  await reads(page.locator('.time .live'), /实时/)
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'light')
  await shot(page, 'host-live-zh-light')
  await page.locator('.iconbtn.lang').click()
  await page.getByRole('button', { name: 'Light or dark' }).click()
  await page.reload()
  await live(page)
  await reads(page.locator('.time .live'), /Live/)
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark')
  assert.deepEqual(page.errors, [])
  await page.context().close()
})

test('filter and order are found again after a look at another tab or a process', async () => {
  const page = await openPage(procyon)
  const search = (text) => until(() => decodeURIComponent(new URL(page.url()).search) === text, `the address ends in ${text}`).catch((e) => { throw new Error(`${e.message}: ${page.url()}`) })
  await page.open('/h/local?q=pid%3E0&sort=-rss&view=name')
  await live(page)
  await page.getByRole('link', { name: /^Connections/ }).click()
  await page.waitForURL(/\/connections$/)
  await page.getByRole('link', { name: /^Processes/ }).click()
  await search('?q=pid>0&sort=-rss&view=name')
  await page.goto(`${procyon.url}/h/local?q=pid%3D%3D${process.pid}`)
  await until(async () => (await rows(page)).length === 1, 'the one row')
  await page.keyboard.press('j')
  await page.keyboard.press('Enter')
  await page.waitForURL(new RegExp(`/p/${process.pid}-`))
  await page.getByRole('heading', { name: new RegExp(String(process.pid)) }).waitFor()
  await page.keyboard.press('Backspace')
  await search(`?q=pid==${process.pid}`)
  await page.context().close()
})

test('who leaves a process before its answer comes is not brought back', async () => {
  const page = await openPage(procyon)
  await page.open('/h/local')
  await live(page)
  let answer
  const held = new Promise((r) => { answer = r })
  const asked = new Promise((r) => {
    void page.route(/\/processes\/\d+-\d+-[0-9a-f]+$/, async (route) => {
      r()
      await held
      await route.continue()
    })
  })
  await page.keyboard.press('j')
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/p\/\d+-/)
  await asked
  await page.goBack()
  const came = page.waitForResponse(/\/processes\/\d+-\d+-[0-9a-f]+$/)
  answer()
  await came
  await live(page)
  assert.equal(new URL(page.url()).pathname, '/h/local')
  await page.context().close()
})

test('an address that is nothing says so', async () => {
  const page = await openPage(procyon)
  await page.open('/h/no-such-host')
  await page.getByText('No host no-such-host is known here.').waitFor()
  assert.equal(await page.locator('.banner.warn').count(), 0, 'the server is not lost')
  await page.goto(`${procyon.url}/nowhere`)
  await page.getByText('Nothing at this address').waitFor()
  await page.context().close()
})
