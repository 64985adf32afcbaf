// Starts a real `procyon up` for a browser test and signs pages in.
//
// PROCYON_BIN    the program (default: the debug build beside the clone)
// PROCYON_PAGES  folder of built pages to use instead of those inside the program; for work on the pages
// SHOTS          folder for screenshots (default: target/screens of the clone)
import { spawn, execFileSync } from 'node:child_process'
import { mkdtempSync, mkdirSync, rmSync, readFileSync, existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { launch } from './browser.mjs'

export const BIN = process.env.PROCYON_BIN ?? fileURLToPath(new URL('../../target/debug/procyon', import.meta.url))
const PAGES = process.env.PROCYON_PAGES
const SHOTS = process.env.SHOTS ?? fileURLToPath(new URL('../../target/screens', import.meta.url))
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' }
const POLICY = "default-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"

/**
 * How long a test waits for something before it counts as missing. Far more than any of it takes on a busy machine: a
 * test here says that something happens, never how fast; how fast stands in perf.test.mjs.
 */
export const PATIENCE = 120_000

/** Waits until `what` gives something true; fails with `why` and the last answer after `ms`. */
export async function until(what, why, ms = PATIENCE) {
  const end = Date.now() + ms
  for (;;) {
    const v = await what()
    if (v) return v
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${why}`)
    await new Promise((r) => setTimeout(r, 50))
  }
}

/** Waits until the text of `locator` matches; what it was instead is in the failure. */
export async function reads(locator, pattern, ms = PATIENCE) {
  let text = null
  await until(async () => {
    text = await locator.first().textContent({ timeout: PATIENCE })
    return pattern.test(text ?? '')
  }, '', ms).catch((e) => { throw new Error(`${e.message}${pattern} in ${JSON.stringify(text)}`) })
  return text
}

/** Waits until the address of the page matches; it follows a key or a click a little later. */
export async function addressed(page, pattern) {
  await until(() => pattern.test(page.url()), `the address matches ${pattern}`).catch((e) => { throw new Error(`${e.message}: ${page.url()}`) })
  return page.url()
}

/** Presses the keys one after the other, again when nothing came of it: the second of two keys has to come in time. */
export async function chord(page, keys, came, why) {
  await until(async () => {
    for (const k of keys) await page.keyboard.press(k)
    return until(came, why, 5000).catch(() => false)
  }, why)
}

export class Procyon {
  constructor(args = []) {
    this.args = args
    this.data = mkdtempSync(join(tmpdir(), 'procyon-e2e-'))
    this.child = null
    this.port = 0
    /** Where the printed link leads. */
    this.path = '/'
    this.token = null
  }

  /** Starts it (again on the same port) and reads the sign-in link. */
  async start() {
    // The port of the last start may be busy for a moment.
    for (let i = 0; this.port !== 0 && i < 20; i += 1) {
      try {
        return await this.launch()
      } catch (e) {
        if (!/in use|EADDRINUSE/i.test(String(e))) throw e
        await new Promise((r) => setTimeout(r, 500))
      }
    }
    return this.launch()
  }

  async launch() {
    const child = spawn(BIN, ['up', '--listen', `127.0.0.1:${this.port}`, '--data', this.data, ...this.args], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.child = child
    let said = ''
    child.stderr.on('data', (d) => { said += d })
    const lines = createInterface({ input: child.stdout })
    lines.on('line', (line) => {
      said += `${line}\n`
      const m = /http:\/\/127\.0\.0\.1:(\d+)(\/\S*)#token=(\S+)/.exec(line)
      if (m) {
        this.port = Number(m[1])
        this.path = m[2]
        this.token = m[3]
      }
    })
    const up = async () => {
      if (child.exitCode !== null) throw new Error(`procyon ended with ${child.exitCode}:\n${said}`)
      const m = /listen=127\.0\.0\.1:(\d+)/.exec(said)
      if (m) this.port = Number(m[1])
      if (this.port === 0) return false
      try {
        return (await fetch(`${this.url}/api/v1/hosts`)).ok
      } catch {
        return false
      }
    }
    try {
      await until(up, 'procyon answers')
    } catch (e) {
      throw new Error(`${e.message}\n${said}`)
    }
    return this
  }

  get url() {
    return `http://127.0.0.1:${this.port}`
  }

  /** Ends it without a word, as a crash does. */
  async crash() {
    const gone = new Promise((r) => this.child.once('exit', r))
    this.child.kill('SIGKILL')
    await gone
  }

  async stop() {
    if (this.child !== null && this.child.exitCode === null && this.child.signalCode === null) {
      const gone = new Promise((r) => this.child.once('exit', r))
      this.child.kill('SIGTERM')
      const timer = setTimeout(() => this.child.kill('SIGKILL'), 20_000)
      await gone
      clearTimeout(timer)
    }
    rmSync(this.data, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }

  newToken(role) {
    return execFileSync(BIN, ['token', 'new', '--role', role, '--name', `${role}-${Date.now()}`, '--quiet', '--data', this.data], { encoding: 'utf8' }).trim()
  }

  async api(path, token = this.token) {
    const r = await fetch(`${this.url}/api/v1${path}`, { headers: token ? { authorization: `Bearer ${token}` } : {} })
    return r.json()
  }
}

let browser = null
export async function openBrowser() {
  browser ??= await launch()
  return browser
}
export async function closeBrowser() {
  await browser?.close()
  browser = null
}

/** A fresh browser profile with one page. `errors` collects everything that must not happen. */
export async function openPage(procyon, { token = procyon.token, theme = 'dark', lang = 'en', width = 1440, height = 900, zone = 'Asia/Shanghai', browser: own } = {}) {
  const b = own ?? await openBrowser()
  const context = await b.newContext({ viewport: { width, height }, colorScheme: theme, locale: lang === 'zh' ? 'zh-CN' : 'en-US', timezoneId: zone, permissions: ['clipboard-read', 'clipboard-write'] })
  context.setDefaultTimeout(PATIENCE)
  const page = await context.newPage()
  const errors = []
  page.on('pageerror', (e) => errors.push(`page error: ${e.message}`))
  page.on('console', (m) => {
    // A lost server is reported by the browser itself; policies and scripts that fail are ours.
    if (m.type() === 'error' && !/ERR_CONNECTION|WebSocket connection|Failed to load resource/.test(m.text())) errors.push(`console: ${m.text()}`)
  })
  page.on('request', (r) => {
    const u = new URL(r.url())
    if (/^(http|ws)/.test(u.protocol) && u.host !== `127.0.0.1:${procyon.port}`) errors.push(`request to another origin: ${r.url()}`)
  })
  if (PAGES !== undefined) {
    await context.route((u) => !u.pathname.startsWith('/api/'), async (route) => {
      const path = new URL(route.request().url()).pathname
      const file = join(PAGES, path)
      const found = extname(path) !== '' && existsSync(file) ? file : join(PAGES, 'index.html')
      await route.fulfill({ body: readFileSync(found), headers: { 'content-type': TYPES[extname(found)] ?? 'text/plain', 'content-security-policy': POLICY } })
    })
  }
  page.errors = errors
  page.open = async (path) => {
    if (token !== null && token !== undefined && !page.signedIn) {
      page.signedIn = true
      await page.goto(`${procyon.url}/#token=${token}`)
      await page.waitForFunction(() => location.hash === '' && document.querySelector('.role') !== null)
    }
    await page.goto(procyon.url + path)
  }
  return page
}

/** Rows are on the screen and the time bar says Live. */
export async function live(page) {
  await page.waitForFunction(() => document.querySelector('.time .live') !== null && !document.querySelector('.time .live').classList.contains('off') && document.querySelectorAll('.grid .body .gr:not([hidden])').length > 0, null, { timeout: PATIENCE })
}

/** The table of the page has answered: rows, or the word that there are none. */
export async function settled(page) {
  await page.waitForFunction(() => document.querySelectorAll('.grid .body .gr:not([hidden])').length > 0 || document.querySelector('.empty.over') !== null, null, { timeout: PATIENCE })
}

/** The texts of the rows in sight, by column id. */
export function rows(page) {
  return page.evaluate(() =>
    [...document.querySelectorAll('.grid .body .gr:not([hidden])')]
      .sort((a, b) => Number(a.getAttribute('aria-rowindex')) - Number(b.getAttribute('aria-rowindex')))
      .map((r) => Object.assign(Object.fromEntries([...r.children].map((c) => [(/(?:^| )c-(\S+)/.exec(c.className) ?? [])[1], c.textContent.trim()])), { cls: r.className, chip: r.querySelector('.pchip')?.className ?? '' })),
  )
}

export async function shot(page, name) {
  mkdirSync(SHOTS, { recursive: true })
  await page.screenshot({ path: join(SHOTS, `${name}.png`) })
}
