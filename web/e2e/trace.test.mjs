// The trace view against a real procyon and a process whose calls the test knows (UI.md sections 6 and 13). It takes the right to
// load programs into the kernel.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import WebSocket from 'ws'
import { check } from './axe.mjs'
import { Procyon, addressed, chord, closeBrowser, live, openPage, reads, rows, shot, until } from './procyon.mjs'

let procyon, target
before(async () => {
  procyon = await new Procyon().start()
  // Looks for a file that is not there, 50 times a second.
  target = spawn(process.execPath, ['-e', `setInterval(()=>{try{require('fs').statSync('/nowhere-of-the-test')}catch{}},20)`, 'traced-by-the-test'], { stdio: 'ignore' })
})
after(async () => {
  target?.kill('SIGKILL')
  await closeBrowser()
  await procyon?.stop()
})

const tracer = () => Number(/TracerPid:\s+(\d+)/.exec(readFileSync(`/proc/${target.pid}/status`, 'utf8'))[1])
/** Lines of the audit log about traces. */
const audited = () => readFileSync(join(procyon.data, 'audit.jsonl'), 'utf8').split('\n').filter((l) => l !== '').map((l) => JSON.parse(l)).filter((l) => l.action === 'trace')
const lines = (page) => page.evaluate(() => [...document.querySelectorAll('.log .ln:not([hidden])')].map((l) => l.innerText.replace(/\s+/g, ' ')))
const state = (page) => page.locator('.eng .what')

test('calls are told as they happen, counted, filtered, and let go of', async () => {
  const page = await openPage(procyon)
  await page.open(`/h/local/p/${target.pid}/trace`)
  await addressed(page, new RegExp(`/p/${target.pid}-\\d+-[0-9a-f]{8}/trace$`))
  await reads(state(page), /Observing through eBPF: the process is not stopped/)
  await reads(state(page), new RegExp(`node ${target.pid} · \\d+ threads?`))
  await until(async () => (await lines(page)).some((l) => /statx?\(.*"\/nowhere-of-the-test".*= -1 ENOENT/.test(l)), 'the call that fails')
  const name = /(\w+)\(/.exec((await lines(page)).find((l) => l.includes('nowhere-of-the-test')))[1]
  await until(async () => (await rows(page)).some((r) => r.name === name && Number(r.errors) > 0 && /[µm]?s$/.test(r.p99)), 'the count of the call')
  await reads(page.locator('.trside'), /ENOENT/)
  await until(() => page.evaluate(() => {
    const c = document.querySelector('.heat canvas')
    return c.getContext('2d').getImageData(50 * devicePixelRatio, 0, c.width - 50 * devicePixelRatio, c.height - 16).data.some((x) => x > 0)
  }), 'colour in the heat map')
  await until(async () => /[<≥] [\d.]+ [µm]?s\d/.test(await page.locator('.heat table').textContent()), 'the same in a table')
  await until(async () => Number(await page.locator('.figs dd').first().textContent()) > 10, 'calls per second')
  await shot(page, 'trace-dark')

  // Its time.
  const ends = async () => {
    const [, m, s] = /(\d+):(\d+)/.exec(await page.locator('.figs dd').last().textContent())
    return Number(m) * 60 + Number(s)
  }
  assert.ok(await ends() > 200 && await ends() <= 300)
  await page.getByRole('button', { name: '+10 min' }).click()
  await until(async () => await ends() > 600, 'ten minutes more')

  // A mistake in the filter says what was meant; the feed goes on.
  await page.keyboard.press('/')
  await page.keyboard.type('opennat')
  await page.keyboard.press('Enter')
  await reads(page.locator('.mistake'), /opennat; did you mean openat\?/)
  await page.locator('.trbar input').fill(`${name},%memory`)
  await page.keyboard.press('Enter')
  await addressed(page, /q=/)
  await page.locator('.mistake').waitFor({ state: 'detached' })
  await page.locator('.trbar input').blur()
  await until(async () => { const l = await lines(page); return l.length > 20 && l.every((x) => x.includes(`${name}(`)) }, 'only the chosen call')
  await page.locator('.chip', { hasText: '%memory' }).click()
  assert.equal(await page.locator('.trbar input').inputValue(), name)

  // A click on a count shows that call alone, another one all of them.
  assert.equal(await page.getByText('No call has been made yet.').count(), 0)
  const counted = page.locator('.counts .body .gr', { hasText: name }).first()
  await counted.click()
  await reads(page.locator('.mistake'), new RegExp(`only\\s+${name}`))
  await counted.click()

  // Who calls, on which files, and how calls fail: a row of each shows its lines alone.
  const turn = (name) => page.locator('.trside').getByRole('radio', { name, exact: true }).click()
  for (const [side, id, line] of [['Threads', `${target.pid} `, String(target.pid)], ['Files', '/nowhere-of-the-test', 'nowhere-of-the-test'], ['errno', `ENOENT ${name}`, 'ENOENT']]) {
    await turn(side)
    await until(async () => (await rows(page)).some((r) => r.name.includes(id.trim()) && Number(r.calls) > 0), side)
    await page.locator('.counts .body .gr', { hasText: id.trim() }).first().click()
    await reads(page.locator('.trfeed .mistake'), new RegExp(`only\\s+${id.trim()}`))
    await until(async () => { const l = await lines(page); return l.length > 20 && l.every((x) => x.includes(line)) }, `lines of ${id}`)
  }
  await turn('Call')
  await page.locator('.trfeed .mistake').waitFor({ state: 'detached' })

  // The feed stands still, the counts go on.
  await page.locator('h2').first().click()
  await page.keyboard.press(' ')
  await page.locator('.trbar [aria-pressed=true]', { hasText: 'Resume' }).waitFor()
  // What came before the key is drawn with the next frame.
  await page.evaluate(() => new Promise((r) => { requestAnimationFrame(() => { requestAnimationFrame(r) }) }))
  const still = await lines(page)
  await until(async () => /\+\d/.test(await page.locator('.trbar [aria-pressed=true]', { hasText: 'Resume' }).textContent()), 'what came meanwhile')
  assert.deepEqual(await lines(page), still)
  await page.keyboard.press(' ')
  await until(async () => (await lines(page)).join() !== still.join(), 'it goes on')

  // A key leaves the foot of the feed as a wheel does.
  await page.locator('.log').focus()
  await chord(page, ['ArrowUp'], async () => await page.locator('.trbar [aria-pressed=true]', { hasText: 'Resume' }).count() > 0, 'the feed stands still')
  await page.keyboard.press(' ')
  await page.locator('.trbar [aria-pressed=false]', { hasText: 'Pause feed' }).waitFor()

  await page.keyboard.press('d')
  await reads(state(page), /Detached/)
  await until(() => audited().at(-1)?.reason === 'the viewer left', 'the end in the audit log')
  await page.keyboard.press('Escape')
  await addressed(page, new RegExp(`/p/${target.pid}-\\d+-[0-9a-f]{8}$`))
  assert.deepEqual(page.errors, [])
  await page.context().close()
})

/** Another viewer of the same trace. */
function viewer(key) {
  const socket = new WebSocket(`${procyon.url.replace('http', 'ws')}/api/v1/hosts/local/processes/${key}/trace`, { headers: { authorization: `Bearer ${procyon.token}` } })
  return new Promise((resolve, reject) => {
    socket.once('message', () => resolve(socket))
    socket.once('error', reject)
  })
}

test('a pause of another viewer is shown and can be ended', async () => {
  const page = await openPage(procyon)
  await page.open(`/h/local/p/${target.pid}/trace`)
  await reads(state(page), /eBPF/)
  const { key } = await procyon.api(`/hosts/local/processes/${target.pid}`)
  const other = await viewer(key)
  other.send('{"type":"pause"}')
  await reads(page.locator('.trfeed .mistake'), /paused this trace for everybody/)
  const still = (await lines(page)).join()
  await page.locator('.mistake button', { hasText: 'Resume' }).click()
  await until(async () => (await lines(page)).join() !== still, 'it goes on')
  await page.locator('.trfeed .mistake').waitFor({ state: 'detached' })
  other.close()
  assert.deepEqual(page.errors, [])
  await page.context().close()
})

test('a process that calls without end is shown in part, and says so', async () => {
  const hot = spawn(process.execPath, ['-e', `const fs=require('fs');for(;;){try{fs.statSync('/nowhere-of-the-test')}catch{}}`], { stdio: 'ignore' })
  try {
    const page = await openPage(procyon)
    await until(async () => (await procyon.api(`/hosts/local/processes/${hot.pid}`)).key !== undefined, 'it is in a frame')
    await page.open(`/h/local/p/${hot.pid}/trace`)
    await reads(state(page), /eBPF/)
    // Far more than a screen: between two places where calls are left out there are some hundred lines.
    await until(() => page.locator('.log').evaluate((e) => e.scrollHeight > 1000 * 20), 'a thousand lines')
    await page.keyboard.press(' ')
    await page.locator('.trbar [aria-pressed=true]', { hasText: 'Resume' }).waitFor()
    let top = 0
    await until(async () => {
      if ((await lines(page)).some((l) => /calls left out here: more than the page shows\. The totals have them/.test(l))) return true
      top += 400
      await page.locator('.log').evaluate((e, y) => { e.scrollTop = y }, top)
      return false
    }, 'what is left out')
    assert.match(await state(page).textContent(), /eBPF/)
    assert.deepEqual(page.errors, [])
    await page.context().close()
  } finally {
    hot.kill('SIGKILL')
  }
})

test('whoever signs out elsewhere watches no more, and is told so', async () => {
  const page = await openPage(procyon)
  await page.open(`/h/local/p/${target.pid}/trace`)
  await reads(state(page), /eBPF/)
  await page.evaluate(() => fetch('/api/v1/session', { method: 'DELETE' }))
  await reads(page.locator('.empty'), /System calls are not watched.*needs the operator role/)
  await page.locator('.empty').getByRole('button', { name: 'Sign in' }).waitFor()
  for (const name of [/Watch again/, /Detach/, /ptrace…/]) assert.equal(await page.getByRole('button', { name }).count(), 0, String(name))
  await until(() => audited().at(-1)?.reason === 'the session has ended', 'the end in the audit log')
  assert.deepEqual(page.errors, [])
  await page.context().close()
})

test('in the past nothing is watched: what was told stays, and what would watch is off', async () => {
  const page = await openPage(procyon)
  await page.open(`/h/local/p/${target.pid}/trace`)
  await reads(state(page), /eBPF/)
  await until(async () => (await lines(page)).length > 20, 'lines')
  // As the browser's own keys do, between two addresses of this page.
  await page.evaluate(() => {
    history.pushState(null, '', `${location.pathname}?at=${new Date(Date.now() - 2000).toISOString()}`)
    dispatchEvent(new PopStateEvent('popstate'))
  })
  await reads(state(page), /Actions are off in the past/)
  assert.ok((await lines(page)).length > 20)
  assert.ok(await page.locator('.trbar .chip').first().isDisabled())
  assert.ok(await page.locator('.trbar input').isDisabled())
  for (const name of [/Watch again/, /Detach/, /ptrace…/]) assert.equal(await page.locator('.eng').getByRole('button', { name }).count(), 0, String(name))
  await page.locator('.eng').getByRole('button', { name: 'Back to live' }).click()
  await reads(state(page), /Observing through eBPF/)
  assert.deepEqual(page.errors, [])
  await page.context().close()
})

test('ptrace is asked for by name, says what it does, and a closed tab ends it', async () => {
  const page = await openPage(procyon, { theme: 'light' })
  await page.open(`/h/local/p/${target.pid}/trace`)
  await reads(state(page), /eBPF/)
  await page.keyboard.press('d')
  await page.getByRole('button', { name: 'ptrace…' }).click()
  const dialog = page.locator('dialog[open]')
  await reads(dialog, /many times slower/)
  await until(() => dialog.getByRole('button', { name: /Cancel/ }).evaluate((b) => b === document.activeElement), 'Cancel has the focus')
  assert.equal(tracer(), 0)
  await dialog.getByRole('button', { name: 'Watch by ptrace' }).click()
  await reads(state(page), /ptrace: the process pauses at every call/)
  await until(async () => (await lines(page)).some((l) => l.includes('nowhere-of-the-test')), 'the call that fails')
  assert.notEqual(tracer(), 0)
  // It sleeps nearly all of the time, as is known from the second state on.
  await until(async () => (await rows(page)).some((r) => r.calls >= 150), 'a few states')
  await reads(page.locator('.figs'), /—time stopped/)
  await shot(page, 'trace-ptrace-light')
  await page.close()
  await until(() => tracer() === 0, 'nobody traces it any more')
  assert.deepEqual(page.errors, [])
  await page.context().close()
})

test('it is said how much of its time ptrace stops a busy process', async () => {
  const hot = spawn(process.execPath, ['-e', `const fs=require('fs');for(;;){try{fs.statSync('/nowhere-of-the-test')}catch{}}`], { stdio: 'ignore' })
  try {
    await until(async () => (await procyon.api(`/hosts/local/processes/${hot.pid}`)).key !== undefined, 'it is in a frame')
    const page = await openPage(procyon, { theme: 'light' })
    await page.open(`/h/local/p/${hot.pid}/trace`)
    await reads(state(page), /eBPF/)
    assert.equal(await page.locator('.figs', { hasText: 'time stopped' }).count(), 0)
    await page.keyboard.press('d')
    await page.getByRole('button', { name: 'ptrace…' }).click()
    await page.getByRole('button', { name: 'Watch by ptrace' }).click()
    await reads(page.locator('.figs'), /[\d.]+ %time stopped/)
    await shot(page, 'trace-stopped-light')
    assert.deepEqual(page.errors, [])
    await page.context().close()
  } finally {
    hot.kill('SIGKILL')
  }
})

test('what cannot be watched is said, in the words of the server', async () => {
  const page = await openPage(procyon)
  const { key } = await procyon.api('/hosts/local/processes/2')
  await page.open(`/h/local/p/${key}/trace`)
  await reads(state(page), /belongs to the kernel and makes no system calls/)
  await page.goto(`${procyon.url}/h/local/p/${target.pid}/trace?q=%25memry`)
  await reads(page.locator('.mistake'), /did you mean memory\?/)
  await page.locator('.trbar input').fill('')
  await page.keyboard.press('Enter')
  await reads(state(page), /Observing through eBPF/)
  // A process that ends while it is watched.
  const short = spawn('sleep', ['60'])
  try {
    await until(async () => (await procyon.api(`/hosts/local/processes/${short.pid}`)).key !== undefined, 'it is in a frame')
    await page.goto(`${procyon.url}/h/local/p/${short.pid}/trace`)
    await reads(state(page), /Observing through eBPF/)
    short.kill('SIGKILL')
    await reads(state(page), /The process has ended/)
  } finally {
    short.kill('SIGKILL')
  }
  assert.deepEqual(page.errors, [])
  await page.context().close()
})

test('by key from the table and from the process; who may not watch sees why', async () => {
  const page = await openPage(procyon)
  await page.open(`/h/local?q=pid==${target.pid}`)
  await live(page)
  await page.keyboard.press('j')
  await page.locator('.grid .gr.sel').waitFor()
  await page.keyboard.press('.')
  await page.getByRole('menuitem', { name: 'Trace' }).waitFor()
  await page.keyboard.press('Escape')
  await page.keyboard.press('s')
  await reads(state(page), /eBPF/)
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: /Trace/ }).waitFor()
  await until(() => page.getByRole('button', { name: /Trace/ }).isEnabled(), 'the button of the process')
  await page.keyboard.press('s')
  await reads(state(page), /eBPF/)
  const path = new URL(page.url()).pathname
  assert.deepEqual(page.errors, [])
  await page.context().close()

  for (const token of [procyon.newToken('viewer'), null]) {
    const other = await openPage(procyon, { token })
    await other.open(path)
    await reads(other.locator('.empty'), /needs the operator role/)
    assert.equal(await other.getByRole('button', { name: 'Sign in' }).count() > 0, token === null)
    await other.context().close()
  }
})

for (const theme of ['dark', 'light']) {
  test(`axe finds nothing serious, ${theme}, in Chinese`, async () => {
    const page = await openPage(procyon, { theme, lang: 'zh' })
    await page.open(`/h/local/p/${target.pid}/trace`)
    await reads(state(page), /通过 eBPF 观测/)
    await until(async () => (await lines(page)).some((l) => l.includes('ENOENT')), 'the call that fails')
    await page.locator('.counts .body .gr').first().click()
    await check(page, 'trace')
    await shot(page, `trace-zh-${theme}`)
    assert.deepEqual(page.errors, [])
    await page.context().close()
  })
}
