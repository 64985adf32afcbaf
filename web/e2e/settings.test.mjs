// Settings, and what they change, against a real procyon.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { after, before, test } from 'node:test'
import { check } from './axe.mjs'
import { Procyon, addressed, closeBrowser, live, openPage, reads, rows, shot, until } from './procyon.mjs'

let procyon
before(async () => { procyon = await new Procyon().start() })
after(async () => {
  await closeBrowser()
  await procyon?.stop()
})

const choose = (page, group, name) => page.getByRole('radiogroup', { name: group }).getByRole('radio', { name }).click()

test('who am I, what may I, and out again', async () => {
  const page = await openPage(procyon)
  await page.open('/h/local')
  await live(page)
  await page.locator('a.role').click()
  await addressed(page, /\/settings\/access$/)
  await reads(page.locator('.sheet'), /operator/)
  await reads(page.locator('.sheet'), /procyon token new --role viewer/)
  await check(page, 'access')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await reads(page.locator('.sheet'), /not signed in/)
  await page.locator('.sheet').getByRole('button', { name: 'Sign in' }).click()
  await page.locator('dialog input').fill(procyon.token)
  await page.locator('dialog button.pri').click()
  await page.locator('dialog[open]').waitFor({ state: 'detached' })
  await page.locator('a.role').getByText('operator').waitFor()
  await page.keyboard.press('Escape')
  await addressed(page, /\/h\/(local|[^/]+)$/)
  await live(page)
  assert.deepEqual(page.errors, [])
  await page.context().close()
})

test('theme, language and density are kept in the browser, and can follow it again', async () => {
  const page = await openPage(procyon)
  await page.open('/settings/display')
  await choose(page, 'Theme', 'Light')
  await choose(page, 'Density of tables', 'Cozy')
  await choose(page, 'Language', '简体中文')
  await check(page, 'display')
  await shot(page, 'settings-display-zh-light')
  await page.goto(`${procyon.url}/h/local`)
  await live(page)
  await reads(page.locator('.time .live'), /实时/)
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'light')
  const apart = () => page.evaluate(() => {
    const y = [...document.querySelectorAll('.grid .body .gr:not([hidden])')].map((r) => r.getBoundingClientRect()).sort((a, b) => a.top - b.top)
    return [Math.round(y[1].top - y[0].top), Math.round(y[0].height)]
  })
  assert.deepEqual(await apart(), [30, 30], 'cozy rows stand 30 px apart and are as high')
  await page.goto(`${procyon.url}/settings/display`)
  await page.getByRole('radiogroup', { name: '语言' }).getByRole('radio', { name: '跟随浏览器' }).click()
  await choose(page, 'Theme', 'As the browser says')
  await choose(page, 'Density of tables', 'Compact')
  await page.reload()
  await page.getByRole('radiogroup', { name: 'Theme' }).waitFor()
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark')
  await page.emulateMedia({ colorScheme: 'light' })
  await until(async () => (await page.evaluate(() => document.documentElement.dataset.theme)) === 'light', 'the page follows the browser')
  assert.deepEqual(page.errors, [])
  await page.context().close()
})

test('single keys can be turned off; what needs no letter still works', async () => {
  const page = await openPage(procyon)
  await page.open('/settings/display')
  await choose(page, 'Single-key shortcuts', 'Off')
  await page.goto(`${procyon.url}/h/local`)
  await live(page)
  await page.keyboard.press('t')
  await page.keyboard.press('j')
  await page.keyboard.press('ArrowDown')
  await addressed(page, /[?&]sel=\d+/)
  assert.doesNotMatch(page.url(), /view=/)
  await page.keyboard.press('Control+k')
  await page.locator('dialog[open] input').waitFor()
  await page.context().close()
})

test('the CPU of processes as a share of the machine', async (t) => {
  const burner = spawn(process.execPath, ['-e', 'for(;;);'], { stdio: 'ignore' })
  t.after(() => burner.kill('SIGKILL'))
  const cpus = (await procyon.api('/hosts')).items[0].cpus
  const page = await openPage(procyon)
  await page.open('/settings/display')
  await choose(page, 'CPU of processes', '100 % = the whole machine')
  await page.goto(`${procyon.url}/h/local?q=pid==${burner.pid}`)
  await reads(page.locator('.stbar'), new RegExp(`100 % = all ${cpus} cores`))
  // The page and the server are asked at the same moment as nearly as can be; a burner that shares the machine sways.
  await until(async () => {
    const shown = Number((await rows(page)).find((r) => r.pid === String(burner.pid))?.cpu)
    const is = (await procyon.api(`/hosts/local/processes?q=pid==${burner.pid}&columns=cpu`)).items[0]?.cpu
    return is > 0.2 && Math.abs(shown - (is * 100) / cpus) < 5
  }, 'the share of the machine')
  await page.context().close()
})

test('the time zone of pages whose address names none', async () => {
  const page = await openPage(procyon)
  await page.open('/settings/display')
  await choose(page, 'Time zone', 'Another')
  await page.locator('.under .inp').fill('Nowhere/Land')
  await page.keyboard.press('Enter')
  await reads(page.locator('.under [role=alert]'), /does not know the zone Nowhere\/Land/)
  await page.locator('.under .inp').fill('America/New_York')
  await page.keyboard.press('Enter')
  await page.goto(`${procyon.url}/h/local`)
  await live(page)
  await reads(page.locator('.time .zone'), /UTC-[45]/)
  assert.doesNotMatch(page.url(), /tz=/)
  await page.locator('.time .zone').click()
  await addressed(page, /tz=UTC/)
  await page.locator('.time .zone').click()
  await until(() => !/tz=/.test(page.url()), 'back to the zone that was chosen')
  await reads(page.locator('.time .zone'), /UTC-[45]/)
  await page.context().close()
})

test('what runs here, and how its sources are doing', async () => {
  for (const [lang, theme] of [['en', 'dark'], ['zh', 'light']]) {
    const page = await openPage(procyon, { lang, theme })
    await page.open('/settings/about')
    const health = await procyon.api('/health')
    await reads(page.locator('.sheet'), new RegExp(`procyon ${health.version.replace(/\./g, '\\.')}`))
    await until(async () => (await page.locator('.sheet table').first().locator('tbody tr').count()) >= health.sources.length, 'a row for each source')
    await reads(page.locator('.sheet'), lang === 'zh' ? /许可证/ : /Licences/)
    // In the Chinese page the server's sentences are Chinese as well.
    if (lang === 'zh') assert.doesNotMatch(await page.locator('.sheet').innerText(), /of every process|births and deaths|all is well/)
    await check(page, `about ${lang} ${theme}`)
    await shot(page, `settings-about-${lang}-${theme}`)
    const licences = await page.request.get(`${procyon.url}/licences.txt`)
    if (process.env.PROCYON_PAGES === undefined) assert.match(await licences.text(), /uplot[\s\S]*MIT/)
    assert.deepEqual(page.errors, [])
    await page.context().close()
  }
})
