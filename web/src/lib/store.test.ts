import { beforeEach, describe, expect, it } from 'vitest'
import { RowStore } from './store'
import type { Delta, Full, WireRow } from './types'

const rest = { at: 0, total: 0, matched: 0, host: {}, top: [], ended: [], pace: null, quarantined: 0 }
const columns = ['pid', 'name', 'cpu']

function full(seq: number, rows: WireRow[], cols = columns): Full {
  return { type: 'full', seq, interval_ms: 1000, columns: cols, rows, ...rest }
}
function delta(seq: number, base: number, part: Partial<Delta>): Delta {
  return { type: 'delta', seq, base, add: [], set: [], gone: [], ...rest, ...part }
}

let s: RowStore
beforeEach(() => {
  s = new RowStore((id) => id === 'name')
  s.full(full(1, [[0, 'a', 10, 'init', 0.5], [1, 'b', 20, 'sshd', null], [2, 'c', 30, null, 0]]))
})

const names = (): (string | null)[] => s.used.map((x) => s.keys[x] ?? null).sort()

describe('RowStore', () => {
  it('holds numbers and texts, unknown apart from zero', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((k) => s.slot(k) as number)
    expect(s.num('cpu', a!)).toBe(0.5)
    expect(s.num('cpu', b!)).toBeNaN()
    expect(s.num('cpu', c!)).toBe(0)
    expect(s.text('name', a!)).toBe('init')
    expect(s.text('name', c!)).toBeNull()
    expect(s.num('nothing', a!)).toBeNaN()
  })

  it('applies sets, adds and gones of a delta', () => {
    expect(s.delta(delta(2, 1, { set: [[0, 2, 0.75, 1, 'systemd']], add: [[3, 'd', 40, 'new', 1]], gone: [2] }), 1000, false)).toBe(true)
    expect(s.num('cpu', s.slot('a')!)).toBe(0.75)
    expect(s.text('name', s.slot('a')!)).toBe('systemd')
    expect(s.num('pid', s.slot('d')!)).toBe(40)
    expect(names()).toEqual(['a', 'b', 'c', 'd'])
    expect(s.endedAt[s.slot('c')!]).toBe(1000)
  })

  it('takes word of how a process ended also after it left', () => {
    const b = s.slot('b')!
    s.delta(delta(2, 1, { gone: [1] }), 1000, false)
    expect(s.exits.get(b)).toBeNull()
    s.delta(delta(3, 2, { ended: [{ key: 'b', pid: 20, name: 'sshd', exit: { signal: 'SIGKILL' }, oom: true }] }), 2000, false)
    expect(s.exits.get(b)?.oom).toBe(true)
  })

  it('keeps an ended row for three seconds, with its exit', () => {
    s.delta(delta(2, 1, { gone: [1], ended: [{ key: 'b', pid: 20, name: 'sshd', exit: { code: 1 } }] }), 1000, true)
    const b = s.slot('b')!
    expect(s.exits.get(b)?.exit).toEqual({ code: 1 })
    expect(s.expire(3999)).toBe(false)
    expect(s.expire(4000)).toBe(true)
    expect(names()).toEqual(['a', 'c'])
    expect(s.slot('b')).toBeUndefined()
  })

  it('drops a row at once that merely stopped matching the filter', () => {
    s.delta(delta(2, 1, { gone: [1] }), 1000, true)
    expect(names()).toEqual(['a', 'c'])
  })

  it('marks what ended between two full frames, and forgets what merely left', () => {
    s.full({ ...full(9, [[0, 'a', 10, 'init', 0.5]]), ended: [{ key: 'b', pid: 20, name: 'sshd', exit: { signal: 'SIGTERM' } }, { key: 'x', pid: 9, name: 'x', exit: null }] }, 1000)
    expect(names()).toEqual(['a', 'b'])
    expect(s.exits.get(s.slot('b')!)?.exit).toEqual({ signal: 'SIGTERM' })
    expect(s.expire(4000)).toBe(true)
    expect(names()).toEqual(['a'])
  })

  it('does not mix a row number that is used again with the ended row', () => {
    s.delta(delta(2, 1, { gone: [0], add: [[0, 'z', 10, 'reused', 2]] }), 1000, false)
    expect(s.text('name', s.slot('a')!)).toBe('init')
    expect(s.text('name', s.slot('z')!)).toBe('reused')
    s.delta(delta(3, 2, { set: [[0, 2, 9]] }), 2000, false)
    expect(s.num('cpu', s.slot('z')!)).toBe(9)
    expect(s.num('cpu', s.slot('a')!)).toBe(0.5)
  })

  it('refuses a delta that does not follow', () => {
    expect(s.delta(delta(9, 8, { set: [[0, 2, 5]] }), 0, false)).toBe(false)
    expect(s.num('cpu', s.slot('a')!)).toBe(0.5)
    expect(s.seq).toBe(1)
  })

  it('keeps slots and sparklines of known processes over a new full frame', () => {
    s.sample('cpu')
    s.sample('cpu')
    const a = s.slot('a')!
    s.full(full(5, [[7, 'x', 1, 'x', 1], [8, 'a', 10, 'init', 3]], ['pid', 'name', 'cpu']))
    expect(s.slot('a')).toBe(a)
    expect(s.sparkLength[a]).toBe(2)
    expect(names()).toEqual(['a', 'x'])
    expect(s.slot('b')).toBeUndefined()
    s.full(full(6, [[1, 'a', 'init']], ['name']))
    expect(s.text('name', s.slot('a')!)).toBe('init')
    expect(s.num('cpu', s.slot('a')!)).toBeNaN()
  })

  it('seeds a sparkline with older points and slides when it is full', () => {
    s.sample('cpu')
    s.seed('a', 'cpu', [0.1, null, 0.2])
    const a = s.slot('a')!
    expect(Array.from(s.sparks.subarray(a * 60, a * 60 + 4)).map((x) => Math.round(x * 10) / 10)).toEqual([0.1, Number.NaN, 0.2, 0.5])
    for (let i = 0; i < 80; i += 1) s.sample('cpu')
    expect(s.sparkLength[a]).toBe(60)
    s.sample('rss')
    expect(s.sparkLength[a]).toBe(0)
  })

  it('grows over thousands of rows and finds them all again', () => {
    const rows: WireRow[] = Array.from({ length: 3000 }, (_, i) => [i, `k${i}`, i, `p${i}`, i / 10])
    s.full(full(9, rows))
    expect(s.size).toBe(3000)
    expect(s.num('pid', s.slot('k2999')!)).toBe(2999)
    s.delta(delta(10, 9, { gone: rows.map((r) => r[0]) }), 10, true)
    expect(s.size).toBe(0)
    s.delta(delta(11, 10, { add: rows }), 10, true)
    expect(s.size).toBe(3000)
    expect(new Set(s.used).size).toBe(3000)
  })
})
