// What axe has to say about a page (UI.md section 13, 9).
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { PATIENCE } from './procyon.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

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
export async function check(page, what) {
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
