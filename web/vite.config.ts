/// <reference types="vitest/config" />
import { readFileSync } from 'node:fs'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig, type Plugin } from 'vite'

// `PROCYON_URL` points the development server at a running procyon or at the mock server.
const server = process.env['PROCYON_URL'] ?? 'http://127.0.0.1:9300'

// The server checks Host and Origin: both are those of the server itself.
const proxy = { '/api': { target: server, ws: true, changeOrigin: true, headers: { origin: server } } }

/** The licences of what reaches the browser, and our own, as one file beside the page. */
const licences: Plugin = {
  name: 'licences',
  generateBundle() {
    const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8').trim()
    const part = (name: string, file: string): string => `${name} ${(JSON.parse(read(`node_modules/${name}/package.json`)) as { version: string }).version}\n\n${read(`node_modules/${name}/${file}`)}`
    const source = ['procyon', read('../LICENSE'), part('svelte', 'LICENSE.md'), part('uplot', 'LICENSE')].join('\n\n\n')
    this.emitFile({ type: 'asset', fileName: 'licences.txt', source })
  },
}

/**
 * What uPlot can do and the pages never ask for, and what stands in its place: other paths than lines, tables to join, a legend, axes
 * (the pages draw their own, in their language). Held by what it exports or makes at start, all of it would reach every browser. The
 * version of uPlot is fixed in package.json, for another one may not fit.
 */
const UNUSED = [
  ['uPlot.join = join;', ''],
  ['(paths.stepped = stepped);', ''],
  ['(paths.bars    = bars);', ''],
  ['(paths.spline  = monotoneCubic);', ''],
  ['uPlot.fmtDate = fmtDate;', ''],
  ['uPlot.tzDate  = tzDate;', ''],
  ['days.map(slice3)', '[]'],
  ['months.map(slice3)', '[]'],
  ['let stamp = fmtDate(dateTpl);', 'let stamp = () => null;'],
  ['(opts.fmtDate || fmtDate)', '(() => null)'],
  ['= genTimeStuffs(1);', '= [[], [], () => null];'],
  ['= genTimeStuffs(1e-3);', '= [[], [], () => null];'],
  ['uPlot.rangeLog = rangeLog;', ''],
  ['uPlot.rangeAsinh = rangeAsinh;', ''],
  ['const showLegend = legend.show;', 'const showLegend = false;'],
  ['axes.forEach(initAxis);', ''],
  ['let axesConverged = axesCalc(cycleNum);', 'let axesConverged = true;'],
  ['axes: drawAxesGrid,', 'axes: () => {},'],
] as const
const lines: Plugin = {
  name: 'only-lines',
  transform(code, id) {
    if (!id.endsWith('/uPlot.esm.js')) return null
    for (const [unused] of UNUSED) if (!code.includes(unused)) this.error(`uPlot has no \`${unused}\` any more`)
    return { code: UNUSED.reduce((rest, [unused, instead]) => rest.replace(unused, instead), code), map: null }
  },
}

export default defineConfig({
  plugins: [svelte(), licences, lines],
  build: {
    target: 'es2023',
    // The page is served under `default-src 'self'`: nothing may be inlined as a data URL.
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // What is not on the first screen comes together, soon after it: apart, each file pays for its own compression and request.
    rolldownOptions: { output: { codeSplitting: { includeDependenciesRecursively: false, groups: [
      { name: 'later', test: /src\/(views\/(Process|List|Settings|Trace)|ui\/(?!App|ChartCard|DataGrid|FilterBox|Icon|TimeBar|Track)|lib\/(words|past|recent|scrub|closest|spoken|export|lines|listcols|openflags|choice|watch|feed|tint|heat|well|callcols)\.ts)/ },
      { name: 'zh', test: /src\/lib\/(zh|told)\.ts/ },
      { name: 'first', test: /src\/(lib\/(?!track|strip|zh|told|words|past|recent|scrub|closest|spoken|export|lines|listcols|openflags|choice|watch|feed|tint|heat|well|callcols)|ui\/(ChartCard|DataGrid|FilterBox|Icon|TimeBar)|views\/(Host|ProcTab)|App)|node_modules\/(svelte|uplot)|preload-helper/ },
    ] } } },
  },
  server: { proxy },
  preview: { proxy },
  test: { include: ['src/**/*.test.ts'] },
})
