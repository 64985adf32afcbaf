import { describe, expect, it } from 'vitest'
import { Strip, TILE, stepOf } from './strip'
import type { Range } from './clock'
import type { Gap, SeriesAnswer } from './types'

const HOUR = 3_600_000
const now = Date.parse('2026-03-12T06:32:07Z')
const answer = (r: Range, step: number, gaps?: Gap[]): SeriesAnswer => {
  const times: number[] = []
  for (let t = Math.floor(r.from / step) * step; t <= r.to; t += step) times.push(t)
  return { at: now, step_ms: step, times, series: [], ...(gaps === undefined ? {} : { gaps }) }
}
/** Answers everything that is missing, as the server would; returns how much was asked for. */
function fill(s: Strip, bar: Range, step: number, at = now, value = 0.5): Range[] {
  const asked = s.missing(bar, step, at)
  for (const r of asked) {
    const a = answer(r, step)
    s.take(r, step, a, a.times.map(() => value), a.times.map(() => value / 2))
  }
  return asked
}
const points = (s: Strip, bar: Range, step: number): number[] => {
  const out: number[] = []
  s.each(bar, step, (_, cpu) => { out.push(cpu) })
  return out
}

describe('Strip', () => {
  const bar = { from: now - 24 * HOUR, to: now }
  const step = stepOf(24 * HOUR)

  it('chooses a round step for every span', () => {
    expect([900_000, HOUR, 6 * HOUR, 24 * HOUR, 7 * 24 * HOUR, 30 * 24 * HOUR].map((x) => stepOf(x) / 1000)).toEqual([2, 10, 60, 180, 1800, 5400])
  })
  it('asks once for what is not held, joined', () => {
    const s = new Strip()
    const asked = fill(s, bar, step)
    expect(asked).toHaveLength(1)
    expect(asked[0]?.from).toBeLessThanOrEqual(bar.from)
    expect(asked[0]?.to).toBe(now)
    expect(s.missing(bar, step, now)).toEqual([])
    expect(points(s, bar, step).every((x) => x === 0.5)).toBe(true)
  })
  it('asks only for the new end when time goes on, and for nothing when it comes back to an old span', () => {
    const s = new Strip()
    fill(s, bar, step)
    const later = now + 10 * step
    const more = s.missing({ from: later - 24 * HOUR, to: later }, step, later)
    expect(more).toHaveLength(1)
    expect((more[0]?.to ?? 0) - (more[0]?.from ?? 0)).toBeLessThanOrEqual(12 * step)
    const week = { from: now - 7 * 24 * HOUR, to: now }
    expect(fill(s, week, stepOf(7 * 24 * HOUR))).toHaveLength(1)
    expect(s.missing(bar, step, now)).toEqual([])
  })
  it('asks for holes on both sides of what it holds', () => {
    const s = new Strip()
    fill(s, { from: now - 10 * HOUR, to: now - 8 * HOUR }, step)
    expect(s.missing(bar, step, now)).toHaveLength(2)
  })
  it('grows with live frames by the larger value, without asking', () => {
    const s = new Strip()
    fill(s, bar, step)
    expect(s.push(now + 1000, step, 0.9, 0.4)).toBe(true)
    expect(s.push(now + 2000, step, 0.1, 0.4)).toBe(true)
    expect(points(s, { from: bar.from, to: now + 2000 }, step).at(-1)).toBe(0.9)
    expect(s.missing({ from: bar.from, to: now + 2000 }, step, now + 2000)).toEqual([])
    // After a long absence the hole has to be asked for.
    expect(s.push(now + 20 * step, step, 1, 1)).toBe(false)
    expect(s.missing({ from: bar.from, to: now + 20 * step }, step, now + 20 * step)).toHaveLength(1)
  })
  it('keeps the gaps, each once, an open one until it is closed', () => {
    const s = new Strip()
    const gap = { from: now - 3 * HOUR, to: now - 2 * HOUR }
    const r = { from: bar.from, to: now }
    s.take(r, step, answer(r, step, [gap, { from: now - 60_000, to: null }]), [], [])
    expect(s.gaps(bar)).toEqual([gap, { from: now - 60_000, to: null }])
    const tail = { from: now - 120_000, to: now + 60_000 }
    s.take(tail, step, answer(tail, step, [{ from: now - 60_000, to: now + 1000 }]), [], [])
    expect(s.gaps({ ...bar, to: now + 60_000 })).toEqual([gap, { from: now - 60_000, to: now + 1000 }])
    expect(s.gaps({ from: now - HOUR, to: now - HOUR / 2 })).toEqual([])
  })
  it('does not grow without end', () => {
    const s = new Strip()
    for (let i = 0; i < 40; i += 1) fill(s, { from: now - (i + 1) * 24 * HOUR, to: now - i * 24 * HOUR }, step)
    expect((s as unknown as { tiles: Map<string, unknown> }).tiles.size).toBeLessThanOrEqual(121)
    expect(TILE).toBe(60)
  })
})
