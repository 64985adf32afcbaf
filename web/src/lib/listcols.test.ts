import { describe, expect, it } from 'vitest'
import { csv } from './export'
import { Catalogue, barHue, isAdditive, show } from './figures'
import { listColumns, sortRows } from './listcols'
import type { Cell } from './grid'
import type { Figure, Row } from './types'

const figure = (id: string, unit: string, scope = 'disk'): Figure => ({
  number: 1, id, name: id, scope, unit, kind: 'gauge', title: { en: id, zh: id }, head: { en: id, zh: id }, help: { en: '', zh: '' },
  source: '', privilege: 'none', since: '', pace: 'tick', public: true,
})
const context = () => ({ lang: 'en' as const, zone: 'UTC', at: Date.UTC(2026, 2, 12, 14, 0), per: 1 })

describe('figures', () => {
  it('are shown by their unit', () => {
    const rows: [string, number | string | boolean | null, string][] = [
      ['cores', 0.18, '18.0'], ['bytes', 1024, '1.0K'], ['bytes_per_second', 0.4, '0'], ['ratio', 0.42, '42 %'], ['count', 3811, '3 811'],
      ['none', 24817, '24817'], ['none', 1.43, '1.4'], ['celsius', 66.4, '66 °C'], ['seconds', 0.041, '41 ms'], ['text', 'x', 'x'], ['bool', true, '✓'],
      ['bool', false, ''], ['bytes', null, '—'], ['per_second', 8412, '8.4 k'], ['bits_per_second', 25e9, '25 Gbit/s'], ['hertz', 2.4e9, '2.4 GHz'],
      ['unix_ms', Date.UTC(2026, 2, 12, 9, 5, 1), '09:05:01'], ['unix_ms', Date.UTC(2026, 1, 1), 'Feb 1'], ['a unit of tomorrow', 7, '7'],
    ]
    for (const [unit, v, text] of rows) expect(show(figure('x', unit, 'process'), v, context()).replaceAll('\u202f', ' '), unit).toBe(text)
  })
  it('know what can be summed and what has a bar', () => {
    expect(isAdditive(figure('rss', 'bytes'))).toBe(true)
    expect(isAdditive(figure('pid', 'none'))).toBe(false)
    expect(isAdditive(figure('fd_limit', 'count'))).toBe(false)
    expect(isAdditive(figure('fd_ratio', 'ratio'))).toBe(false)
    expect(barHue(figure('cpu', 'cores'))).toBe('--cpu')
    expect(barHue(figure('pid', 'none'))).toBeNull()
  })
})

describe('listColumns', () => {
  it('makes a column of every figure of the scope, new ones too', () => {
    const c = new Catalogue([figure('name', 'text'), figure('brand_new', 'ratio'), figure('read_total', 'bytes'), figure('other', 'text', 'core')])
    const columns = listColumns({ catalogue: c, scope: 'disk', rows: () => [], context, tops: new Map() })
    expect(columns.map((x) => x.id)).toEqual(['name', 'brand_new'])
    expect(columns.some((x) => x.width[1] > 0)).toBe(true)
  })
})

describe('sortRows', () => {
  it('puts unknown values last either way and keeps ties', () => {
    const rows = [{ a: 1, n: 'x' }, { a: null, n: 'y' }, { a: 3, n: 'z' }, { a: 1, n: 'w' }]
    expect(sortRows(rows, 'a', true).map((r) => r.n)).toEqual(['z', 'x', 'w', 'y'])
    expect(sortRows(rows, 'a', false).map((r) => r.n)).toEqual(['x', 'w', 'z', 'y'])
  })
})

describe('connections', () => {
  it('stand with the listening ones first', () => {
    const rows = ['CLOSE-WAIT', 'ESTAB', 'LISTEN'].map((state) => ({ state }))
    expect(sortRows(rows, 'state', false).map((r) => r.state)).toEqual(['LISTEN', 'ESTAB', 'CLOSE-WAIT'])
  })
})

describe('csv', () => {
  it('quotes, and disarms formulas', () => {
    expect(csv([{ id: 'a', head: 'A' }, { id: 'b', head: 'B' }], [{ a: 'x "y", z', b: 1.5 }, { a: '=cmd()', b: null }])).toBe('a,b\r\n"x ""y"", z",1.5\r\n\'=cmd(),\r\n')
  })
})

describe('numbers that are not what their unit says', () => {
  /** What a column writes for one row. */
  const written = (x: Figure, row: Row): string => {
    let text = ''
    const [column] = listColumns({ catalogue: new Catalogue([x]), scope: x.scope, rows: () => [row], context, tops: new Map() })
    column?.paint({ set: (t: string) => { text = t }, fill: () => {} } as unknown as Cell, 0)
    return text
  }
  it('are connections in the queues of a listening socket', () => {
    const x = figure('tx_queue', 'bytes', 'connection')
    expect(written(x, { state: 'LISTEN', tx_queue: 128 })).toBe('128')
    expect(written(x, { state: 'ESTAB', tx_queue: 128 })).toBe('128B')
  })
  it('are whole bytes in the length of packets', () => {
    expect(written(figure('mtu', 'bytes', 'interface'), { mtu: 1400 })).toBe('1400')
  })
})
