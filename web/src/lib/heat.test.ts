import { describe, expect, it } from 'vitest'
import { COLUMNS, from, Heat, ROWS, rowsOf } from './heat'
import type { Count } from './watch'

const count = (name: string, buckets: Record<number, number>): Count => {
  const all = new Array<number>(36).fill(0)
  for (const [power, n] of Object.entries(buckets)) all[Number(power)] = n
  return { name, calls: 0, errors: 0, total: 0, mean: 0, p50: 0, p99: 0, max: 0, buckets: all }
}
const column = (h: Heat, name: string, at: number): number[] => [...h.cells(name).slice(at * ROWS, (at + 1) * ROWS)]
const sum = (h: Heat, name: string): number => h.cells(name).reduce((a, b) => a + b, 0)

describe('rowsOf', () => {
  it('puts what is shorter than 1 µs into the first row and what is longer than 1 s into the last', () => {
    const rows = rowsOf(count('x', { 3: 1, 10: 2, 11: 4, 30: 8, 35: 16 }).buckets)
    expect([rows[0], rows[1], rows[ROWS - 1]]).toEqual([3, 4, 24])
  })
})

describe('Heat', () => {
  it('shows what came since the last totals; the first ones only begin', () => {
    const h = new Heat()
    h.push(1000, [count('read', { 12: 100 })])
    expect(sum(h, 'read')).toBe(0)
    h.push(2000, [count('read', { 12: 107 }), count('write', { 20: 1 })])
    expect(column(h, 'read', COLUMNS - 1)[2]).toBe(7)
    expect(sum(h, '')).toBe(8)
    expect(h.sums('').flatMap((n, row) => (n === 0 ? [] : [[from(row), n]]))).toEqual([[4096, 7], [2 ** 20, 1]])
    h.push(3000, [count('read', { 12: 107 })])
    expect(column(h, 'read', COLUMNS - 2)[2]).toBe(7)
    expect(column(h, 'read', COLUMNS - 1)[2]).toBe(0)
  })
  it('spans more as time goes on, and forgets after ten minutes', () => {
    const h = new Heat()
    for (let s = 0; s <= 900; s += 1) {
      h.push(s * 1000, [count('read', { 12: s * 2 })])
      if (s === 59) expect(h.range).toBe(60)
      if (s === 60) expect(h.range).toBe(120)
    }
    expect(h.range).toBe(600)
    expect(sum(h, 'read')).toBe(1200)
    expect(column(h, 'read', 0)[2]).toBe(20)
    // A long silence leaves nothing of what was before.
    h.push(5_000_000, [count('read', { 12: 1800 })])
    expect(sum(h, 'read')).toBe(0)
  })
  it('counts that go down are no calls', () => {
    const h = new Heat()
    h.push(1000, [count('read', { 12: 100 })])
    h.push(2000, [count('read', { 12: 3 })])
    expect(sum(h, 'read')).toBe(0)
  })
})
