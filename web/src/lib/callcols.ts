// The tables beside a trace: its calls by name, by thread, by file and by error.

import * as f from './format'
import type { Column } from './grid'
import { rowsOf } from './heat'
import type { Line, Share, State } from './watch'

const SVG = 'http://www.w3.org/2000/svg'

export const SIDES = ['call', 'thread', 'file', 'error'] as const
export type Side = (typeof SIDES)[number]

/** A row of any of the tables; what a table does not show is 0 in it. */
export interface Item { id: string; name: string; tip: string; calls: number; errors: number; total: number; mean: number; p99: number; buckets: readonly number[] }

/** Letters of a file's name that are shown: its end says which one it is. */
const MOST_SHOWN = 30
const NONE = { errors: 0, total: 0, mean: 0, p99: 0, buckets: [] }

export function itemsOf(state: State | null, side: Side): Item[] {
  if (state === null) return []
  switch (side) {
    case 'call': return state.rows.map((c) => ({ ...c, id: c.name, tip: '' }))
    case 'thread': return state.threads.map((t) => ({ ...NONE, ...t, id: String(t.tid), name: `${t.tid} ${t.name ?? ''}`, tip: '' }))
    case 'file': return state.files.map((x) => ({ ...NONE, ...x, id: x.name, name: x.name.length > MOST_SHOWN ? `…${x.name.slice(1 - MOST_SHOWN)}` : x.name, tip: x.name }))
    case 'error': return state.failures.map((x) => {
      const name = `${x.error} ${x.name}`
      return { ...NONE, id: name, name, tip: x.words, calls: x.calls }
    })
  }
}

/** What the server counted together, because it was too much to be told. */
export const moreOf = (state: State | null, side: Side): Share | undefined => (side === 'call' ? undefined : state?.[({ thread: 'more_threads', file: 'more_files', error: 'more_failures' } as const)[side]])

/** Whether a line is about a file: as a descriptor stands for it, or as a path that the call names, perhaps from a directory on. */
function isAbout(l: Line, id: string): boolean {
  const args = l.args ?? ''
  const whole = args.replace(/^.*?<([^>]*)>, "([^"]*)".*$/, '$1/$2')
  const text = `${args} ${l.result ?? ''}`
  // Of a long name only the end is told.
  const end = id.startsWith('…') ? id.slice(1) : undefined
  if (end === undefined) return text.includes(`<${id}>`) || text.includes(`"${id}"`) || whole === id
  return text.includes(`${end}>`) || text.includes(`${end}"`) || whole.endsWith(end)
}

/** The error of a line as it is counted; one without a name stands in the result alone. */
const errorOf = (l: Line): string => (l.error === '' ? /errno \d+/.exec(l.result ?? '')?.[0] : l.error) ?? ''
/** The name of a call as it is counted: those that have none stand together. */
const countedAs = (l: Line): string => (l.name?.startsWith('syscall_0x') === true ? '(others)' : l.name ?? '')

/** Whether a line belongs to a row. */
export function isOf(l: Line, side: Side, id: string): boolean {
  switch (side) {
    case 'call': return countedAs(l) === id
    case 'thread': return String(l.tid) === id
    case 'file': return isAbout(l, id)
    case 'error': return `${errorOf(l)} ${countedAs(l)}` === id
  }
}

/** The histogram of a call as a path of 84 × 18: a bar for each power of two. */
export function bars(buckets: readonly number[]): string {
  const rows = rowsOf(buckets)
  const most = Math.sqrt(Math.max(1, ...rows))
  return rows.map((n, i) => (n === 0 ? '' : `M${i * 4} 18v-${f.round(1 + (Math.sqrt(n) / most) * 15, 1)}h3V18z`)).join('')
}

interface Words { what: string; calls: string; errors: string; mean: string; total: string; took: string }

export function sideColumns(side: Side, rows: () => readonly Item[], words: Words): Column[] {
  const number = (id: 'calls' | 'errors' | 'total' | 'mean' | 'p99', head: string, width: number, show: (n: number) => string, look: (c: Item) => string): Column => ({
    id, head, help: head, width: [width, 0], num: true, sortable: true,
    paint: (cell, i) => {
      const c = rows()[i]
      if (c !== undefined) cell.set(show(c[id]), c[id] === 0 ? 'z' : look(c))
    },
  })
  const name: Column = { id: 'name', head: words.what, help: words.what, width: [120, 1], num: false, sortable: true, cls: 'mono', paint: (cell, i) => { cell.set(rows()[i]?.name ?? '') }, tip: (i) => rows()[i]?.tip ?? '' }
  const calls = number('calls', words.calls, 62, f.countShort, () => '')
  if (side === 'error') return [{ ...name, width: [150, 0] }, { id: 'tip', head: '', help: '', width: [120, 1], num: false, sortable: false, cls: 't2', paint: (cell, i) => { cell.set(rows()[i]?.tip.toLowerCase() ?? '') }, tip: (i) => rows()[i]?.tip ?? '' }, calls]
  const errors = number('errors', words.errors, 56, f.countShort, (c) => (c.errors * 20 > c.calls ? 'c-warn' : ''))
  if (side !== 'call') return [name, calls, errors, number('total', words.total, 72, f.duration, () => 't2')]
  return [
    name, calls, errors,
    number('mean', words.mean, 60, f.duration, () => 't2'),
    number('p99', 'p99', 60, f.duration, () => ''),
    {
      id: 'hist', head: '1 µs … 1 s', help: words.took, width: [92, 0], num: false, sortable: false,
      paint: (cell, i) => {
        if (cell.own === null) {
          const svg = document.createElementNS(SVG, 'svg')
          svg.setAttribute('class', 'hist')
          svg.setAttribute('viewBox', '0 0 84 18')
          svg.setAttribute('preserveAspectRatio', 'none')
          svg.setAttribute('aria-hidden', 'true')
          cell.own = svg.appendChild(document.createElementNS(SVG, 'path'))
          cell.el.append(svg)
        }
        ;(cell.own as SVGPathElement).setAttribute('d', bars(rows()[i]?.buckets ?? []))
      },
    },
  ]
}

/** In the order of a column; equal ones by name. */
export function sortItems(rows: readonly Item[], column: string, descending: boolean): Item[] {
  const by = column as 'calls' | 'errors' | 'total' | 'mean' | 'p99' | 'name'
  const sign = descending ? -1 : 1
  return [...rows].sort((a, b) => sign * (by === 'name' ? a.name.localeCompare(b.name) : a[by] - b[by]) || a.name.localeCompare(b.name))
}
