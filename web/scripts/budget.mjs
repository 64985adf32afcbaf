// Fails when the built pages weigh more than UI.md section 10 allows.
import { readFileSync, readdirSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'

const KB = 1000
const dist = fileURLToPath(new URL('../dist/', import.meta.url))
const assets = join(dist, 'assets')
const weigh = (file) => gzipSync(readFileSync(file), { level: 9 }).length
const html = readFileSync(join(dist, 'index.html'), 'utf8')
const files = readdirSync(assets).filter((f) => !f.endsWith('.map'))
const sum = (list) => list.reduce((a, f) => a + weigh(join(assets, f)), 0)
const js = files.filter((f) => f.endsWith('.js'))
// The first route is the host: what index.html names, and what that imports without asking.
const first = new Set(js.filter((f) => html.includes(f)))
for (const f of first) for (const m of readFileSync(join(assets, f), 'utf8').matchAll(/(?:^|;|\})import[^;(]*?"\.\/([^"]+\.js)"/g)) first.add(m[1])
const rest = files.filter((f) => !/\.(js|css)$/.test(f))
const bytes = [
  ['JavaScript, all routes', sum(js) + weigh(join(dist, 'theme.js')), 150 * KB],
  ['JavaScript, first route', sum([...first]) + weigh(join(dist, 'theme.js')), 90 * KB],
  ['CSS', sum(files.filter((f) => f.endsWith('.css'))), 20 * KB],
  ['fonts and other assets', rest.length, 0],
]
let failed = false
for (const [what, is, limit] of bytes) {
  const over = is > limit
  failed ||= over
  console.log(`${over ? 'OVER ' : 'ok   '} ${what}: ${is} of ${limit}`)
}
for (const f of [...files.map((x) => join(assets, x)), join(dist, 'index.html')]) {
  const text = readFileSync(f, 'utf8')
  for (const m of text.matchAll(/\b(?:src|href)=["'](https?:)?\/\/[^"']+/g)) {
    failed = true
    console.log(`OTHER ORIGIN in ${f}: ${m[0]}`)
  }
}
if (/<script(?![^>]*\bsrc=)/.test(html) || / style="/.test(html)) {
  failed = true
  console.log('index.html has an inline script or style')
}
process.exit(failed ? 1 : 0)
