import { describe, expect, it } from 'vitest'
import { moveWindow, readClock, usualSpan, viewOf, writeClock, zoom, type Clock, type Extent, type View } from './clock'
import { parseSearch, buildSearch } from './address'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const now = Date.parse('2026-03-12T06:32:07Z')
const zone = 'Asia/Shanghai'
const all: Extent = { on: true, from: now - 40 * DAY }
const live: Clock = { at: null, span: null, window: null }
const clock = (search: string): Clock => readClock(parseSearch(search), now)

describe('the clock in the address', () => {
  it('is live without parameters and with at=live', () => {
    expect(clock('')).toEqual(live)
    expect(clock('?at=live')).toEqual(live)
    expect(clock('?at=nonsense&span=soon&from=x')).toEqual(live)
  })
  it('comes back as it was written', () => {
    const c: Clock = { at: now - HOUR - 7, span: 7 * DAY, window: { from: now - 2 * HOUR - 7000, to: now - HOUR + 53_000 } }
    const params = new Map(Object.entries(writeClock(c, zone)).filter((x): x is [string, string] => x[1] !== undefined))
    expect(readClock(parseSearch(buildSearch(params)), now)).toEqual(c)
    // Reading and writing an address changes nothing, however often.
    expect(buildSearch(parseSearch(buildSearch(params)))).toBe(buildSearch(params))
    expect(buildSearch(params)).toMatch(/^\?at=2026-03-12T13:32:06\.993\+08:00&span=7d&from=2026-03-12T12:32:00\+08:00&to=/)
    expect(writeClock(live, zone)).toEqual({ at: undefined, span: undefined, from: undefined, to: undefined })
  })
  it('knows lengths and ranges', () => {
    expect(clock('?from=-1h').window).toEqual({ length: HOUR })
    expect(clock('?from=-1h&to=now').window).toEqual({ length: HOUR })
    expect(clock('?from=2026-03-12T03:00:00Z&to=2026-03-12T02:00:00Z').window).toBeNull()
    expect(clock('?from=2026-03-12T02:00:00Z&to=2026-03-12T03:00:00Z').window).toEqual({ from: Date.parse('2026-03-12T02:00:00Z'), to: Date.parse('2026-03-12T03:00:00Z') })
  })
})

describe('live', () => {
  it('slides with every frame', () => {
    const a = viewOf(null, live, now, all)
    const b = viewOf(a, live, now + 1000, all)
    expect(a.bar).toEqual({ from: now - DAY, to: now })
    expect(b.bar.to - a.bar.to).toBe(1000)
    expect(b.window).toEqual({ from: now + 1000 - 15 * MINUTE, to: now + 1000 })
    expect([b.sliding, b.chosen, b.at]).toEqual([true, false, null])
  })
  it('begins with as much as there is', () => {
    expect(usualSpan(now, { on: true, from: null })).toBe(15 * MINUTE)
    expect(usualSpan(now, { on: true, from: now - 40 * MINUTE })).toBe(HOUR)
    expect(usualSpan(now, { on: true, from: now - 5 * HOUR })).toBe(6 * HOUR)
    expect(usualSpan(now, { on: true, from: now - 12 * DAY })).toBe(DAY)
    expect(usualSpan(now, { on: false, from: null })).toBe(15 * MINUTE)
  })
  it('keeps a chosen length and a chosen range', () => {
    expect(viewOf(null, { ...live, window: { length: HOUR } }, now, all)).toMatchObject({ window: { from: now - HOUR, to: now }, sliding: true, chosen: true })
    expect(viewOf(null, { ...live, window: { from: now - HOUR, to: now - 50 * MINUTE } }, now, all)).toMatchObject({ at: null, window: { from: now - HOUR, to: now - 50 * MINUTE }, sliding: false, chosen: true })
  })
})

describe('past', () => {
  const c: Clock = { ...live, at: now - 11 * HOUR }
  it('stands still while time goes on', () => {
    const a = viewOf(viewOf(null, live, now, all), c, now, all)
    let v: View = a
    for (let i = 1; i < 600; i += 1) v = viewOf(v, c, now + i * 1000, all)
    expect(v).toEqual(a)
    expect(a.at).toBe(c.at)
    expect(a.window).toEqual({ from: (c.at as number) - HOUR / 2, to: (c.at as number) + HOUR / 2 })
    expect(a.chosen).toBe(false)
  })
  it('holds bar and window while the instant moves within them, and brings both where it is', () => {
    const a = viewOf(null, c, now, all)
    const step = viewOf(a, { ...c, at: (c.at as number) + 1000 }, now, all)
    expect([step.bar, step.window]).toEqual([a.bar, a.window])
    const far = viewOf(step, { ...c, at: now - 3 * HOUR }, now, all)
    expect(far.bar).toEqual(a.bar)
    expect(far.window).toEqual({ from: now - 3.5 * HOUR, to: now - 2.5 * HOUR })
    const days = viewOf(far, { ...c, at: now - 5 * DAY }, now, all)
    expect(days.bar).toEqual({ from: now - 5.5 * DAY, to: now - 4.5 * DAY })
  })
  it('never reaches beyond now', () => {
    const a = viewOf(null, { ...live, at: now - 1000 }, now, all)
    expect(a.window.to).toBe(now)
    expect(a.bar.to).toBe(now)
    expect(viewOf(null, { ...live, at: now + DAY }, now, all).at).toBe(now)
    // Stepping along the newest frames does not shift the window each time.
    const b = viewOf(a, { ...live, at: now - 2000 }, now, all)
    expect(b.window).toEqual(a.window)
  })
  it('does not change its span when more history comes', () => {
    const a = viewOf(null, c, now, { on: true, from: now - 12 * HOUR })
    expect(viewOf(a, c, now, all).span).toBe(a.span)
  })
  it('goes back to live', () => {
    const a = viewOf(viewOf(null, c, now, all), live, now + 5000, all)
    expect([a.at, a.sliding, a.bar.to]).toEqual([null, true, now + 5000])
  })
  it('is not there while history is off', () => {
    const v = viewOf(null, { at: now - HOUR, span: 7 * DAY, window: null }, now, { on: false, from: null })
    expect([v.at, v.span, v.sliding]).toEqual([null, 15 * MINUTE, true])
  })
})

describe('the window', () => {
  const w = { from: now - 2 * HOUR, to: now - HOUR }
  it('is moved and resized within what there is', () => {
    expect(moveWindow(w, MINUTE, 'all', now)).toEqual({ from: w.from + MINUTE, to: w.to + MINUTE })
    expect(moveWindow(w, 2 * HOUR, 'all', now)).toEqual({ from: now - HOUR, to: now })
    expect(moveWindow(w, 5 * HOUR, 'from', now).from).toBe(w.to - 10_000)
    expect(moveWindow(w, 5 * HOUR, 'to', now).to).toBe(now)
    expect(moveWindow(w, -5 * HOUR, 'to', now).to).toBe(w.from + 10_000)
  })
  it('zooms around the pointer', () => {
    const z = zoom(w, now - 1.5 * HOUR, 0.5, now)
    expect(z).toEqual({ from: now - 1.75 * HOUR, to: now - 1.25 * HOUR })
    expect(zoom(w, w.from, 100, now).to).toBe(now)
  })
})
