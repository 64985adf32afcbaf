// axe finds nothing serious on any view, in either theme and language (UI.md section 13, 9).
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { after, before, test } from 'node:test'
import { Procyon, PATIENCE, closeBrowser, live, openPage, rows, settled, shot, until } from './procyon.mjs'
import { check } from './axe.mjs'

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
      const range = `from=${new Date(Date.now() - 60_000).toISOString()}&to=${new Date(Date.now() - 2000).toISOString()}`
      await page.goto(`${procyon.url}/h/local?${range}`)
      await page.waitForSelector('.toplist a, .topr .says')
      await settled(page)
      await check(page, 'top consumers of a range')
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
