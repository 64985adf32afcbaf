import { describe, expect, it } from 'vitest'
import { Bands } from './bands'
import type { TopItem } from './types'

const top = (o: Record<string, number>): TopItem[] =>
  Object.entries(o).map(([key, cpu]) => ({ key, label: key, values: { cpu, rss: cpu * 100, read: 0, write: 0, rx: null, tx: null } }))
const none = (): number => Number.NaN
const host = (cpu: number): Record<string, number> => ({ cpu_busy: cpu, mem_used: 1000 })

describe('Bands', () => {
  it('gives colours in order of weight and keeps them', () => {
    const asked: string[] = []
    const b = new Bands((k) => asked.push(k))
    b.frame(1000, host(10), top({ a: 3, b: 2 }), none)
    b.frame(2000, host(10), top({ b: 3, a: 2 }), none)
    expect([b.colour('a'), b.colour('b'), b.colour('x')]).toEqual([1, 2, 0])
    expect(asked).toEqual(['a', 'b'])
  })

  it('lets a clearly heavier newcomer take the colour of the lightest at once', () => {
    const b = new Bands(() => undefined)
    b.frame(1000, host(10), top({ a: 6, b: 5, c: 4, d: 3, e: 2, f: 1 }), none)
    b.frame(2000, host(10), top({ a: 6, b: 5, c: 4, d: 3, e: 2, f: 1, g: 1.1 }), none)
    expect(b.colour('g')).toBe(0)
    b.frame(3000, host(10), top({ h: 9, a: 6, b: 5, c: 4, d: 3, e: 2, f: 1 }), none)
    expect(b.colour('h')).toBe(6)
    expect(b.colour('f')).toBe(0)
    expect(b.colour('a')).toBe(1)
  })

  it('colours no process that uses nothing', () => {
    const b = new Bands(() => undefined)
    b.frame(1000, host(0), top({ a: 0 }), none)
    expect(b.colour('a')).toBe(0)
  })

  it('stacks up to the total of the host, unknown values fall to other', () => {
    const b = new Bands(() => undefined)
    b.frame(1000, { ...host(10), net_rx: 7, net_tx: 1 }, top({ a: 3, b: 2 }), none)
    const s = b.stack(['cpu_busy'], ['cpu'])
    expect(s.total).toEqual([10])
    expect(s.other).toEqual([5])
    expect(b.stack(['net_rx', 'net_tx'], ['rx', 'tx']).other).toEqual([8])
    b.frame(2000, { cpu_busy: 4 }, top({ a: 5 }), none)
    expect(b.stack(['cpu_busy'], ['cpu']).other[1]).toBe(0)
  })

  it('puts the past in front, fills the band, and forgets after 15 minutes', () => {
    const asked: string[] = []
    const b = new Bands((k) => asked.push(k))
    b.frame(100_000, host(10), top({ a: 3 }), none)
    b.seed({ at: 100_000, step_ms: 2000, times: [96_000, 98_000, 100_000], series: [{ key: null, label: '', values: { cpu_busy: [1, 2, 3] } }] })
    expect(b.times).toEqual([96_000, 98_000, 100_000])
    expect(asked).toEqual(['a', 'a'])
    const answer = { at: 100_000, step_ms: 2000, times: [96_000, 98_000], series: [{ key: 'a', label: 'a', values: { cpu: [0.5, null] } }] }
    b.fill('a', answer, answer.series[0]!)
    expect(b.slots[0]!.values.cpu).toEqual([0.5, Number.NaN, 3])
    b.frame(100_000 + 15 * 60_000, host(1), [], () => 7)
    expect(b.times[0]).toBe(100_000)
    expect(b.slots[0]!.values.cpu.at(-1)).toBe(7)
  })

  it('ignores a frame that is not newer', () => {
    const b = new Bands(() => undefined)
    b.frame(1000, host(1), [], none)
    b.frame(1000, host(1), [], none)
    expect(b.times).toEqual([1000])
  })
})
