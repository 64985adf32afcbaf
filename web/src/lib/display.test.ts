import { beforeEach, describe, expect, it } from 'vitest'
import { Display, type Order } from './display'
import { RowStore } from './store'
import type { Full, WireRow } from './types'

const rest = { at: 0, total: 0, matched: 0, host: {}, top: [], ended: [], pace: null, quarantined: 0 }
const columns = ['pid', 'ppid', 'name', 'user', 'cpu', 'start']
const full = (seq: number, rows: WireRow[]): Full => ({ type: 'full', seq, interval_ms: 1000, columns, rows, ...rest })

const rows: WireRow[] = [
  [0, 'init', 1, 0, 'systemd', 'root', 0, 1],
  [1, 'safe', 10, 1, 'mysqld_safe', 'root', 0, 5],
  [2, 'db', 11, 10, 'mysqld', 'mysql', 3, 6],
  [3, 'sh', 20, 1, 'bash', 'me', 0.5, 9],
  [4, 'db2', 21, 20, 'mysqld', 'mysql', 1, 8],
  [5, 'cron', 30, 1, 'cron', 'root', null, 4],
]
const order: Order = { column: 'cpu', descending: true, view: 'flat', toggled: new Set(), hold: false }

let s: RowStore
let d: Display
beforeEach(() => {
  s = new RowStore((id) => id === 'name' || id === 'user')
  s.full(full(1, rows))
  d = new Display(s)
})
const shown = (): string[] =>
  Array.from({ length: d.count }, (_, i) => {
    const item = d.items[i]!
    return (d.prefix[i] ?? '') + (item >= 0 ? s.keys[item]! : `[${d.groups[-1 - item]!.name} ${d.groups[-1 - item]!.members.length}]`)
  })

describe('flat', () => {
  it('sorts descending, ties by start, unknown last', () => {
    d.update(order)
    expect(shown()).toEqual(['db', 'db2', 'sh', 'init', 'safe', 'cron'])
    d.update({ ...order, descending: false })
    expect(shown()).toEqual(['init', 'safe', 'sh', 'db2', 'db', 'cron'])
  })
  it('sorts texts and ages', () => {
    d.update({ ...order, column: 'name', descending: false })
    expect(shown()).toEqual(['sh', 'cron', 'db', 'db2', 'safe', 'init'])
    d.update({ ...order, column: 'age' })
    expect(shown()[0]).toBe('init')
    expect(shown().at(-1)).toBe('sh')
  })
  it('holds the order while values change and puts new rows last', () => {
    d.update(order)
    s.delta({ type: 'delta', seq: 2, base: 1, add: [[9, 'hot', 99, 1, 'burn', 'me', 50, 99]], set: [[3, 4, 40]], gone: [], ...rest }, 0, false)
    d.update({ ...order, hold: true })
    expect(shown()).toEqual(['db', 'db2', 'sh', 'init', 'safe', 'cron', 'hot'])
    d.update(order)
    expect(shown().slice(0, 3)).toEqual(['hot', 'sh', 'db'])
  })
})

describe('tree', () => {
  it('draws the lines and puts the heaviest branch first', () => {
    d.update({ ...order, view: 'tree' })
    expect(shown()).toEqual(['▾ init', ' ├▾ safe', ' │  └─ db', ' ├▾ sh', ' │  └─ db2', ' └─ cron'])
  })
  it('folds a branch and remembers what it holds', () => {
    d.update({ ...order, view: 'tree', toggled: new Set(['sh']) })
    expect(shown()).toContain(' ├▸ sh')
    expect(shown().some((x) => x.endsWith('db2'))).toBe(false)
    expect(d.branches.get(s.slot('sh')!)).toEqual([s.slot('sh'), s.slot('db2')])
  })
  it('survives a loop of parents and a missing parent', () => {
    s.full(full(2, [[0, 'a', 5, 999, 'a', 'u', 0, 1], [1, 'b', 6, 7, 'b', 'u', 0, 2], [2, 'c', 7, 6, 'c', 'u', 0, 3]]))
    d.update({ ...order, view: 'tree' })
    expect(shown()).toEqual(['a', '▾ b', ' └▾ c'])
  })
})

describe('groups', () => {
  it('orders groups by their sum and expands one', () => {
    d.update({ ...order, view: 'user', toggled: new Set(['mysql']) })
    expect(shown()).toEqual(['[mysql 2]', '├ db', '└ db2', '[me 1]', '[root 3]'])
  })
  it('holds the order of groups', () => {
    d.update({ ...order, view: 'user' })
    s.delta({ type: 'delta', seq: 2, base: 1, add: [], set: [[3, 4, 40]], gone: [], ...rest }, 0, false)
    d.update({ ...order, view: 'user', hold: true })
    expect(shown()[0]).toBe('[mysql 2]')
    d.update({ ...order, view: 'user' })
    expect(shown()[0]).toBe('[me 1]')
  })
})
