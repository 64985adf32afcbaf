// The process view, signals and roles against a real procyon (UI.md section 13).
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { check } from './axe.mjs'
import { Procyon, closeBrowser, live, openPage, reads, rows, shot, until } from './procyon.mjs'

let procyon
before(async () => { procyon = await new Procyon().start() })
after(async () => {
  await closeBrowser()
  await procyon?.stop()
})

const SERVER = `require('net').createServer(s=>s.resume()).listen(0,'127.0.0.1',function(){console.log(this.address().port)})`

/** A server process with one open connection. */
async function served(t) {
  const p = spawn(process.execPath, ['-e', SERVER, 'a-server-of-the-test'], { stdio: ['ignore', 'pipe', 'ignore'] })
  t.after(() => p.kill('SIGKILL'))
  const port = await new Promise((resolve) => createInterface({ input: p.stdout }).once('line', (l) => resolve(Number(l))))
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  t.after(() => socket.destroy())
  await new Promise((r) => socket.once('connect', r))
  const gone = new Promise((r) => p.once('exit', (code, signal) => r({ code, signal })))
  return { p, port, gone }
}

test('a process: who it is, what it uses, whom it talks to', async (t) => {
  const { p, port } = await served(t)
  const page = await openPage(procyon)
  await page.open(`/h/local/p/${p.pid}`)
  // A pid alone is sent on to the full address.
  await page.waitForURL(new RegExp(`/p/${p.pid}-\\d+-[0-9a-f]{8}`))
  await page.getByRole('heading', { name: new RegExp(String(p.pid)) }).waitFor()
  await reads(page.locator('aside'), /a-server-of-the-test/)
  await until(async () => (await page.locator('.six .chart').count()) === 8, 'eight charts')
  await until(async () => (await rows(page)).some((r) => r.local === `127.0.0.1:${port}` && r.state === 'LISTEN'), 'the listening socket')
  await until(async () => (await rows(page)).some((r) => r.state === 'ESTAB'), 'the open connection')
  await reads(page.locator('aside'), new RegExp(`:${port}`))
  await shot(page, 'process-dark')
  await page.keyboard.press('2')
  await until(async () => (await rows(page)).some((r) => r.fd === '0'), 'open files')
  await page.keyboard.press('3')
  await until(async () => (await rows(page)).some((r) => r.tid === String(p.pid)), 'threads')
  await page.keyboard.press('4')
  await page.locator('.empty.over').waitFor()
  assert.deepEqual(page.errors, [])
  await page.context().close()
})

test('SIGTERM asks, names connections, wants the pid typed, and the row leaves after three seconds', async (t) => {
  const { p, port, gone } = await served(t)
  const page = await openPage(procyon, { theme: 'light' })
  await page.open(`/h/local?q=pid==${p.pid}`)
  await until(async () => (await rows(page)).some((r) => r.pid === String(p.pid)), 'the row')
  await until(async () => { const d = await procyon.api(`/hosts/local/processes/${p.pid}`); return d.connections >= 1 && d.listening?.includes(port) }, 'the connection is known')
  await page.keyboard.press('j')
  await page.locator('.grid .gr.sel').waitFor()
  await page.keyboard.press('x')
  const dialog = page.locator('dialog[open]')
  await dialog.getByText(/serving \d+ connection/).waitFor()
  await reads(dialog, new RegExp(`:${port}`))
  await reads(dialog, /audit log/)
  await until(() => dialog.getByRole('button', { name: /Cancel/ }).evaluate((b) => b === document.activeElement), 'Cancel has the focus')
  await shot(page, 'process-signal-light')
  const send = dialog.getByRole('button', { name: 'Send SIGTERM' })
  assert.ok(await send.isDisabled(), 'off until the pid is typed')
  await dialog.locator('input').fill(String(p.pid))
  // The mark of an ended row stays three seconds and the word of what was sent six: the page itself takes note of both.
  await page.evaluate((pid) => {
    const seen = (window.__seen = { dead: false, toast: false })
    new MutationObserver(() => {
      seen.dead ||= [...document.querySelectorAll('.grid .body .gr.dead:not([hidden]) .c-pid')].some((c) => c.textContent.trim() === pid)
      seen.toast ||= [...document.querySelectorAll('.toast')].some((c) => /SIGTERM sent/.test(c.textContent))
    }).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true })
  }, String(p.pid))
  await send.click()
  assert.equal((await gone).signal, 'SIGTERM')
  const at = Date.now()
  await until(() => page.evaluate(() => window.__seen.toast), 'the page says that it was sent')
  await until(() => page.evaluate(() => window.__seen.dead), 'the row is marked as ended')
  await until(async () => !(await rows(page)).some((r) => r.pid === String(p.pid)), 'the row leaves')
  console.log(`left after ${Date.now() - at} ms`)
  assert.deepEqual(page.errors, [])
  await page.context().close()
})

test('an ended process says so, and a pid with another start is refused', async (t) => {
  const p = spawn(process.execPath, ['-e', 'setInterval(()=>{},1000)', 'short-lived'], { stdio: 'ignore' })
  t.after(() => p.kill('SIGKILL'))
  const page = await openPage(procyon)
  await page.open(`/h/local/p/${p.pid}`)
  await page.waitForURL(new RegExp(`/p/${p.pid}-\\d+-`))
  await page.getByRole('heading', { name: new RegExp(String(p.pid)) }).waitFor()
  const key = new URL(page.url()).pathname.split('/').at(-1)
  p.kill('SIGKILL')
  await page.locator('.banner.past').getByText(/ended/).waitFor()
  await until(() => page.getByRole('button', { name: /Signal/ }).isDisabled(), 'no signal to an ended process')
  // Its lists are not forbidden, they are gone.
  await page.getByText('The process has ended; this is not known any more.').waitFor()
  const [, start, boot] = key.split('-')
  await page.goto(`${procyon.url}/h/local/p/${process.pid}-${Number(start) + 1}-${boot}`)
  await page.getByText(/now belongs to another process/).waitFor()
  await page.context().close()
})

test('how a process ended: exit code, signal, who sent it, what it used', async () => {
  for (const [lang, theme, how] of [['en', 'dark', 'kill'], ['zh', 'light', 'exit']]) {
    const p = spawn(process.execPath, ['-e', "process.stdin.on('data',()=>process.exit(3))", 'post-mortem'], { stdio: ['pipe', 'ignore', 'ignore'] })
    const page = await openPage(procyon, { lang, theme })
    await page.open(`/h/local/p/${p.pid}`)
    await page.waitForURL(new RegExp(`/p/${p.pid}-\\d+-`))
    await page.getByRole('heading', { name: new RegExp(String(p.pid)) }).waitFor()
    if (how === 'kill') p.kill('SIGKILL')
    else p.stdin.write('now')
    const told = await reads(page.locator('[data-death]'), how === 'kill' ? /SIGKILL/ : /退出码 3/)
    await reads(page.locator('.ph .badge').first(), how === 'kill' ? /ended · SIGKILL/ : /已结束 · 退出码 3/)
    assert.match(told, how === 'kill' ? /CPU time/ : /CPU 时间/)
    // Where the kernel tells of ends, it tells who sent the signal: this test, by the name of its program.
    const kernel = (await procyon.api('/health')).features.some((f) => f.id === 'deaths' && f.source === 'ebpf')
    if (kernel && how === 'kill') {
      const by = page.locator('[data-death] a')
      await reads(by, new RegExp(`^\\S+ ${process.pid}$`))
      await reads(page.locator('[data-death]'), /root|uid \d+/)
    }
    await shot(page, `process-ended-${lang}-${theme}`)
    assert.deepEqual(page.errors, [])
    await page.context().close()
  }
})

test('processes that lived only for a moment are counted and listed with their ends', async () => {
  const page = await openPage(procyon)
  await page.open('/h/local')
  await live(page)
  // Long enough to be seen also where only tables are compared.
  const short = spawn('/bin/sh', ['-c', 'sleep 2; exit 7'], { stdio: 'ignore' })
  const kernel = (await procyon.api('/health')).features.some((f) => f.id === 'deaths' && f.source === 'ebpf')
  await reads(page.locator('.stbar'), /short-lived/)
  await page.locator('.stbar .linkish').click()
  await page.locator('dialog[open] input[type=checkbox]').check()
  const row = page.locator('dialog[open] tr').filter({ has: page.getByText(String(short.pid), { exact: true }) })
  await reads(row, kernel ? /exit 7/ : /ended/)
  await shot(page, 'ended-dark')
  assert.deepEqual(page.errors, [])
  await page.context().close()
})

test('on a wide screen the selected process is shown beside the table; on a narrower one nothing moves', async (t) => {
  const { p, port } = await served(t)
  for (const [lang, theme, width] of [['en', 'dark', 1680], ['zh', 'light', 1680], ['en', 'dark', 1440]]) {
    const page = await openPage(procyon, { lang, theme, width, height: 1000 })
    await page.open(`/h/local?q=pid==${p.pid}`)
    await until(async () => (await rows(page)).some((r) => r.pid === String(p.pid)), 'the row')
    const head = () => page.locator('[role=columnheader][data-col=cmd]').evaluate((h) => h.getBoundingClientRect().width)
    const before = await head()
    await page.locator('.grid .body .gr:not([hidden])').first().click()
    await page.locator('.grid .gr.sel').waitFor()
    if (width < 1600) {
      await page.waitForTimeout(500)
      assert.equal(await page.locator('.preview').count(), 0)
      assert.equal(await head(), before, 'nothing moves')
    } else {
      const preview = page.locator('.preview')
      await reads(preview, new RegExp(`${p.pid}[\\s\\S]*a-server-of-the-test`))
      await reads(preview, new RegExp(`:${port}`))
      await until(async () => ((await preview.locator('.sparks path.spk-l').first().getAttribute('d')) ?? '').length > 5, 'a spark')
      await check(page, `preview ${lang} ${theme}`)
      await shot(page, `host-preview-${lang}-${theme}`)
      await preview.getByRole('button', { name: lang === 'zh' ? /发送信号/ : /Signal/ }).click()
      await page.locator('dialog[open]').waitFor()
      await page.keyboard.press('Escape')
      await page.locator('dialog[open]').waitFor({ state: 'detached' })
      await page.keyboard.press('Escape')
      await preview.waitFor({ state: 'detached' })
      await page.locator('.grid .body .gr:not([hidden])').first().click()
      await preview.getByRole('link').click()
      await page.waitForURL(new RegExp(`/p/${p.pid}-`))
    }
    assert.deepEqual(page.errors, [])
    await page.context().close()
  }
})

test('pid 1 and kernel threads have no signal button and say why', async () => {
  const page = await openPage(procyon)
  await page.open('/h/local/p/1')
  await page.locator('.refused').waitFor()
  assert.equal(await page.getByRole('button', { name: /Signal/ }).count(), 0)
  await page.context().close()
})

test('a viewer sees the controls off, with a reason', async (t) => {
  const { p } = await served(t)
  const page = await openPage(procyon, { token: procyon.newToken('viewer') })
  await page.open(`/h/local/p/${p.pid}`)
  const button = page.getByRole('button', { name: /Signal/ })
  await button.waitFor()
  await reads(page.locator('aside'), /a-server-of-the-test/)
  assert.ok(await button.isDisabled())
  assert.match(await button.getAttribute('title'), /operator/)
  await shot(page, 'process-viewer-dark')
  await page.keyboard.press('x')
  assert.equal(await page.locator('dialog[open]').count(), 0)
  await page.context().close()
})

test('without a token the page shows what everyone may see and offers to sign in', async () => {
  const page = await openPage(procyon, { token: null })
  await page.open('/h/local')
  await live(page)
  await page.locator('.banner.note').getByRole('button', { name: 'Sign in' }).click()
  await page.locator('dialog input').fill('wrong')
  await page.locator('dialog button.pri').click()
  await page.getByText('This token is not valid.').waitFor()
  await page.locator('dialog input').fill(procyon.token)
  await page.locator('dialog button.pri').click()
  await page.locator('.role').getByText('operator').waitFor()
  await live(page)
  assert.equal(await page.evaluate(() => document.cookie), '', 'the cookie is out of reach of scripts')
  assert.deepEqual(page.errors, [])
  await page.context().close()
})

test('what is not known is explained in the language of the page', async () => {
  const page = await openPage(procyon, { token: null, lang: 'zh' })
  await page.open(`/h/local/p/${process.pid}`)
  await page.getByText('需要令牌').first().waitFor()
  await page.getByText('持有只读用户令牌即可查看。').waitFor()
  assert.doesNotMatch(await page.locator('#main').innerText(), /forbidden:|unsupported:|needs a token/)
  await page.context().close()
})

test('--read-only draws no control at all', async (t) => {
  const own = await new Procyon(['--read-only']).start()
  t.after(() => own.stop())
  const { p } = await served(t)
  const page = await openPage(own)
  await page.open(`/h/local/p/${p.pid}`)
  await page.getByRole('heading', { name: new RegExp(String(p.pid)) }).waitFor()
  await reads(page.locator('aside'), /a-server-of-the-test/)
  assert.equal(await page.getByRole('button', { name: /Signal/ }).count(), 0)
  await page.locator('.role').getByText('read-only').waitFor()
  await shot(page, 'process-readonly-dark')
  assert.deepEqual(page.errors, [])
  await page.context().close()
})
