// Columns of the table that counts system calls by name.

import * as f from './format'
import type { Column } from './grid'
import { rowsOf } from './heat'
import type { Count } from './watch'

const SVG = 'http://www.w3.org/2000/svg'

/** The histogram of a call as a path of 84 × 18: a bar for each power of two. */
export function bars(buckets: readonly number[]): string {
  const rows = rowsOf(buckets)
  const most = Math.sqrt(Math.max(1, ...rows))
  return rows.map((n, i) => (n === 0 ? '' : `M${i * 4} 18v-${f.round(1 + (Math.sqrt(n) / most) * 15, 1)}h3V18z`)).join('')
}

interface Words { call: string; calls: string; errors: string; mean: string; took: string }

export function callColumns(rows: () => readonly Count[], words: Words): Column[] {
  const number = (id: 'calls' | 'errors' | 'mean' | 'p99', head: string, width: number, show: (c: Count) => string, look: (c: Count) => string): Column => ({
    id, head, help: head, width: [width, 0], num: true, sortable: true,
    paint: (cell, i) => {
      const c = rows()[i]
      if (c !== undefined) cell.set(show(c), c[id] === 0 ? 'z' : look(c))
    },
  })
  return [
    { id: 'name', head: words.call, help: words.call, width: [120, 1], num: false, sortable: true, cls: 'mono', paint: (cell, i) => { cell.set(rows()[i]?.name ?? '') } },
    number('calls', words.calls, 62, (c) => f.countShort(c.calls), () => ''),
    number('errors', words.errors, 56, (c) => f.countShort(c.errors), (c) => (c.errors * 20 > c.calls ? 'c-warn' : '')),
    number('mean', words.mean, 60, (c) => f.duration(c.mean), () => 't2'),
    number('p99', 'p99', 60, (c) => f.duration(c.p99), () => ''),
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
export function sortCounts(rows: readonly Count[], column: string, descending: boolean): Count[] {
  const by = column as 'calls' | 'errors' | 'mean' | 'p99' | 'name'
  const sign = descending ? -1 : 1
  return [...rows].sort((a, b) => sign * (by === 'name' ? a.name.localeCompare(b.name) : a[by] - b[by]) || a.name.localeCompare(b.name))
}
