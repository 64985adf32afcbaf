// Columns of the plain tables (connections, disks, threads…), made from the catalogue.

import { barHue, isNumber, isText, isZero, show, width, type Catalogue, type Context } from './figures'
import * as f from './format'
import type { Column } from './grid'
import type { Figure, Row, Value } from './types'

/** Columns that are left out of a table unless they are all there is; they repeat another one. */
const HIDDEN: Record<string, readonly string[]> = {
  connection: ['local_port', 'remote_port', 'key', 'inode', 'netns', 'uid', 'label'],
  disk: ['read_total', 'write_total'],
  interface: ['rx_total', 'tx_total'],
  container: ['cgroup'],
}
const TONES: Record<string, Record<string, string>> = {
  connection: { LISTEN: 'c-ok', ESTAB: 't2', 'TIME-WAIT': 't3', 'CLOSE-WAIT': 'c-note' },
  interface: { up: 'c-ok', down: 't3' },
  filesystem: { timeout: 'c-warn', error: 'c-warn', ok: 'c-ok' },
  thread: { R: 'c-ok semi', D: 'c-note semi', Z: 'c-warn semi' },
}
const MONO = new Set(['local', 'remote', 'mount', 'device', 'cgroup', 'address', 'target', 'exe', 'cwd', 'flags', 'wchan'])

export interface Options {
  catalogue: Catalogue
  scope: string
  rows(): readonly Row[]
  context(): Context
  /** Columns of the answer that the catalogue does not know, shown as text. */
  extra?: readonly { id: string; head: string; num?: boolean; width?: [number, number] }[]
  hide?: readonly string[]
  tops: Map<string, number>
}

/** The largest value of every column with a bar. */
export function scaleTops(figures: readonly Figure[], rows: readonly Row[], tops: Map<string, number>): void {
  for (const x of figures) {
    if (barHue(x) === null) continue
    if (x.unit === 'ratio') {
      tops.set(x.id, 1)
      continue
    }
    let top = 0
    for (const r of rows) {
      const v = r[x.id]
      if (typeof v === 'number' && v > top) top = v
    }
    tops.set(x.id, top)
  }
}

export function listFigures(c: Catalogue, scope: string, hide: readonly string[] = []): Figure[] {
  const hidden = new Set([...(HIDDEN[scope] ?? []), ...hide])
  return c.scope(scope).filter((x) => !hidden.has(x.id))
}

function tone(x: Figure, v: Value): string {
  const t = typeof v === 'string' ? TONES[x.scope]?.[v] : undefined
  if (t !== undefined) return t
  if (x.unit === 'ratio' && typeof v === 'number') {
    const filling = /usage|busy/.test(x.id)
    if (filling && v >= 0.9) return 'c-warn semi'
    if (filling && v >= 0.8) return 'c-note semi'
  }
  if (/errors|drops/.test(x.id) && typeof v === 'number' && v > 0) return 'c-note semi'
  return ''
}

/** The queues of a listening socket count connections, not bytes. */
function queued(x: Figure, v: Value, row: Row | undefined): string | undefined {
  const counts = (x.id === 'rx_queue' || x.id === 'tx_queue') && row?.state === 'LISTEN'
  return counts && typeof v === 'number' ? f.count(v) : undefined
}

export function listColumns(o: Options): Column[] {
  const out: Column[] = []
  for (const x of listFigures(o.catalogue, o.scope, o.hide)) {
    const hue = barHue(x)
    const mono = MONO.has(x.id)
    out.push({
      id: x.id,
      head: x.head[o.context().lang],
      help: [x.title[o.context().lang], x.help[o.context().lang]].filter((s) => s !== '').join('\n'),
      width: width(x, x.head[o.context().lang]),
      num: isNumber(x),
      sortable: true,
      ...(mono ? { cls: 'mono' } : {}),
      paint: (cell, i) => {
        const v = o.rows()[i]?.[x.id] ?? null
        const text = queued(x, v, o.rows()[i]) ?? show(x, v, o.context())
        const quiet = (isText(x) || x.unit === 'none') && out[0]?.id !== x.id ? 't2' : ''
        cell.set(text, tone(x, v) || (v === null || isZero(text) ? 'z' : quiet))
        if (hue !== null) cell.fill(typeof v === 'number' ? v / Math.max(o.tops.get(x.id) ?? v, 1e-9) : 0, hue)
      },
    })
  }
  for (const e of o.extra ?? []) {
    out.push({
      id: e.id, head: e.head, help: '', width: e.width ?? [e.num === true ? 70 : 110, 0], num: e.num === true, sortable: true,
      ...(MONO.has(e.id) ? { cls: 'mono' } : {}),
      paint: (cell, i) => {
        const v = o.rows()[i]?.[e.id] ?? null
        cell.set(v === null ? f.UNKNOWN : String(v), v === null ? 'z' : e.num === true ? 't2' : '')
      },
    })
  }
  // Some column has to take what is left.
  if (out.length > 0 && out.every((c) => c.width[1] === 0)) {
    const widest = out.find((c) => !c.num) ?? (out[out.length - 1] as Column)
    widest.width = [widest.width[0], 1]
  }
  return out
}

/** Connections by what one looks for: who listens, who talks, the rest. */
const RANKS: Record<string, string> = { LISTEN: ' 0', ESTAB: ' 1' }

export function sortRows(rows: readonly Row[], column: string, descending: boolean): Row[] {
  const sign = descending ? -1 : 1
  return rows
    .map((r, i) => ({ r, i }))
    .sort((a, b) => {
      let x = a.r[column] ?? null
      let y = b.r[column] ?? null
      if (column === 'state') {
        x = typeof x === 'string' ? (RANKS[x] ?? x) : x
        y = typeof y === 'string' ? (RANKS[y] ?? y) : y
      }
      if (x === y) return a.i - b.i
      if (x === null) return 1
      if (y === null) return -1
      return (x < y ? -1 : 1) * sign || a.i - b.i
    })
    .map((e) => e.r)
}
