// axe finds nothing serious on any view, in either theme and language (UI.md section 13, 9).
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'
import { Procyon, PATIENCE, closeBrowser, live, openPage, rows, settled, shot, until } from './procyon.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
let procyon, target
before(async () => {
  procyon = await new Procyon().start()
  target = spawn(process.execPath, ['-e', 'setInterval(()=>{},1000)', 'axe-target'], { stdio: 'ignore' })
})
after(async () => {
  target?.kill('SIGKILL')
  await closeBrowser()
  await procyon?.stop()
})

/** What axe finds serious on the page as it is now. */
async function scan(page, what) {
  // evaluate() is not bound by the page's Content-Security-Policy.
  await page.evaluate(axe)
  const found = await page.evaluate(async () => {
    const r = await window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
    return r.violations.map((v) => ({ id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.slice(0, 4).map((n) => `${n.target.join(' ')} ${n.any[0]?.message ?? n.failureSummary ?? ''}`.slice(0, 240)), n: v.nodes.length }))
  })
  const bad = found.filter((v) => v.impact === 'serious' || v.impact === 'critical')
  for (const v of found) if (!bad.includes(v)) console.log(`${what}: ${v.impact} ${v.id} × ${v.n}: ${v.nodes[0]}`)
  return bad
}

/**
 * Fails for what axe finds each time of several. A page that waits for its next frame is dimmed on purpose, and one
 * that is just being drawn is half a page; neither lasts, a mistake does.
 */
async function check(page, what) {
  const all = []
  for (let i = 0; i < 4; i += 1) {
    await page.waitForFunction(() => document.querySelector('.dim, .skeleton') === null, null, { timeout: PATIENCE })
    const bad = await scan(page, what)
    if (bad.length === 0) return
    all.push(bad)
    await new Promise((r) => setTimeout(r, 1000))
  }
  const lasting = all[0].filter((v) => all.every((bad) => bad.some((w) => w.id === v.id)))
  assert.deepEqual(lasting, [], what)
}

for (const theme of ['dark', 'light']) {
  for (const lang of ['en', 'zh']) {
    test(`${theme}, ${lang}`, async () => {
      const page = await openPage(procyon, { theme, lang })
      await page.open('/h/local')
      await live(page)
      await check(page, 'host')
      await page.keyboard.press('t')
      await until(async () => (await rows(page)).some((r) => /[├└]/.test(r.cmd)), 'lines of a tree')
      await check(page, 'tree')
      await page.goto(`${procyon.url}/h/local?view=name&q=nam==1`)
      await page.waitForSelector('.mistake')
      await check(page, 'groups and a filter error')
      await page.keyboard.press('?')
      await page.waitForSelector('dialog[open]')
      await check(page, 'shortcuts')
      await page.keyboard.press('Escape')
      await page.waitForSelector('dialog[open]', { state: 'detached' })
      await page.keyboard.press('Control+k')
      await page.waitForSelector('dialog[open]')
      await check(page, 'go to')
      await page.keyboard.press('Escape')
      await page.waitForSelector('dialog[open]', { state: 'detached' })
      await page.locator('[data-columns]').click()
      await page.waitForSelector('.popover')
      await check(page, 'columns')
      for (const tab of ['connections', 'filesystems', 'disks', 'interfaces', 'cores', 'containers', 'users']) {
        await page.goto(`${procyon.url}/h/local/${tab}`)
        await settled(page)
        await check(page, tab)
      }
      await shot(page, `host-users-${lang}-${theme}`)
      for (const tab of ['', '/files', '/threads', '/children']) {
        await page.goto(`${procyon.url}/h/local/p/${target.pid}${tab}`)
        await page.waitForSelector('.six .chart canvas')
        await settled(page)
        await check(page, `process${tab}`)
      }
      await page.locator('.ph .btn.danger:enabled').waitFor()
      await page.keyboard.press('x')
      await page.waitForSelector('dialog[open] .target')
      await check(page, 'signal')
      assert.deepEqual(page.errors, [])
      await page.context().close()
    })
  }
}
