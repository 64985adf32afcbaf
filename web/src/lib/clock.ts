// The one clock of the page: which instant is shown, which range the charts have, which the time bar. Everything here is
// computed from the address, the time, and what history there is; nothing here draws or fetches.

import { durationText, parseDuration, parseStamp, stampText } from './time'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** What the charts show while nobody chose otherwise, and what the memory of the server holds. */
export const USUAL_WINDOW = 15 * MINUTE
/** Spans of the time bar that have a button. */
export const SPANS = ['1h', '6h', '24h', '7d', '30d'] as const
/** A time bar that nobody chose begins with as much as there is, but no more than this. */
const USUAL_SPAN = 24 * HOUR
const LONGEST = 400 * 24 * HOUR
export const SHORTEST_WINDOW = 10_000

export interface Range { from: number; to: number }

/** What the address asks for. */
export interface Clock {
  /** Unix ms; null: live. */
  at: number | null
  /** Length of the time bar; null: as much as there is. */
  span: number | null
  /** Charts: an exact range, a length up to the playhead, or the usual. */
  window: Range | { length: number } | null
}

/** What history there is. */
export interface Extent {
  /** The past can be asked for. */
  on: boolean
  /** Instant of the oldest frame kept; null: none yet. */
  from: number | null
}

/** What is shown. */
export interface View {
  at: number | null
  span: number
  bar: Range
  window: Range
  /** The window follows the newest frame. */
  sliding: boolean
  /** Somebody chose the window. */
  chosen: boolean
}

export type ClockParams = { at?: string | undefined; span?: string | undefined; from?: string | undefined; to?: string | undefined }

export function readClock(params: ReadonlyMap<string, string>, now: number): Clock {
  const instant = (name: string): number | null => {
    const v = params.get(name)
    const x = v === undefined ? null : parseStamp(v, now)
    return x === 'live' ? null : x
  }
  const at = instant('at')
  const span = parseDuration(params.get('span') ?? '')
  const length = /^-(.+)$/.exec(params.get('from') ?? '')?.[1]
  const to = params.get('to')
  let window: Clock['window'] = null
  if (length !== undefined && (to === undefined || /^(now|live)$/.test(to))) {
    const ms = parseDuration(length)
    if (ms !== null && ms > 0) window = { length: Math.min(ms, LONGEST) }
  } else if (params.has('from')) {
    const from = instant('from')
    const end = to === undefined ? (at ?? now) : instant('to')
    if (from !== null && end !== null && from < end) window = { from, to: end }
  }
  return { at, span: span !== null && span >= MINUTE ? Math.min(span, LONGEST) : null, window }
}

/** Parameters for an instant and a range; undefined takes one out. */
export function writeClock(c: Partial<Clock>, zone: string | undefined): ClockParams {
  const out: ClockParams = {}
  if ('at' in c) out.at = c.at === null || c.at === undefined ? undefined : stampText(c.at, zone)
  if ('span' in c) out.span = c.span === null || c.span === undefined ? undefined : durationText(c.span)
  if ('window' in c) {
    const w = c.window
    out.from = w === null || w === undefined ? undefined : 'length' in w ? `-${durationText(w.length)}` : stampText(Math.round(w.from / 1000) * 1000, zone)
    out.to = w === null || w === undefined || 'length' in w ? undefined : stampText(Math.round(w.to / 1000) * 1000, zone)
  }
  return out
}

/** The smallest span with a button that holds everything there is, a day at most; without history what the memory holds. */
export function usualSpan(now: number, extent: Extent): number {
  const kept = extent.on && extent.from !== null ? now - extent.from : 0
  if (kept <= USUAL_WINDOW) return USUAL_WINDOW
  for (const s of SPANS) {
    const ms = parseDuration(s) ?? 0
    if (ms >= kept || ms >= USUAL_SPAN) return ms
  }
  return USUAL_SPAN
}

/** Charts of a rewound view are as long as suits the time bar: a window that can be seen and taken hold of. */
export function usualWindow(span: number): number {
  return Math.max(USUAL_WINDOW, span / 24)
}

const length = (r: Range): number => r.to - r.from

/** A range that holds an instant well within; the one before where it does, else one around it that does not reach beyond `now`. */
function around(before: Range | null, at: number, wide: number, now: number, margin: number): Range {
  if (before !== null && Math.abs(length(before) - wide) < 1 && at >= before.from + wide * margin && (at <= before.to - wide * margin || (before.to >= now - wide * 0.02 && at <= before.to))) return before
  const to = Math.min(now, at + wide / 2)
  return { from: to - wide, to }
}

/**
 * The view that follows from the address. Live, everything slides with `now`. In the past nothing moves of itself: bar and
 * window stay where they were as long as the instant lies in them.
 */
export function viewOf(before: View | null, c: Clock, now: number, extent: Extent): View {
  const at = extent.on && c.at !== null ? Math.min(c.at, now) : null
  const span = extent.on ? (c.span ?? (at !== null && before !== null && before.at !== null ? before.span : usualSpan(now, extent))) : USUAL_WINDOW
  const held = before !== null && before.span === span ? before.bar : null
  // A bar that ends now is kept while somebody looks at the past, so that nothing moves under the pointer.
  const bar = at === null ? { from: now - span, to: now } : held !== null && at >= held.from && at <= held.to ? held : at >= now - span ? { from: now - span, to: now } : around(null, at, span, now, 0)
  if (c.window !== null && !('length' in c.window)) {
    return { at, span, bar, window: { from: c.window.from, to: Math.min(Math.max(c.window.to, c.window.from + SHORTEST_WINDOW), Math.max(now, c.window.from + SHORTEST_WINDOW)) }, sliding: false, chosen: true }
  }
  const wanted = c.window === null ? null : c.window.length
  if (at === null) {
    const wide = wanted ?? USUAL_WINDOW
    return { at, span, bar, window: { from: now - wide, to: now }, sliding: true, chosen: wanted !== null }
  }
  if (wanted !== null) return { at, span, bar, window: { from: at - wanted, to: at }, sliding: false, chosen: true }
  const last = before !== null && before.at !== null && !before.chosen ? before.window : null
  return { at, span, bar, window: around(last, at, usualWindow(span), now, 0.1), sliding: false, chosen: false }
}

/** Where the window is dragged or resized to; it keeps a smallest length and does not reach beyond `now`. */
export function moveWindow(w: Range, by: number, part: 'from' | 'to' | 'all', now: number): Range {
  if (part === 'from') return { from: Math.min(w.from + by, w.to - SHORTEST_WINDOW), to: w.to }
  if (part === 'to') return { from: w.from, to: Math.max(w.from + SHORTEST_WINDOW, Math.min(now, w.to + by)) }
  const shift = Math.min(by, now - w.to)
  return { from: w.from + shift, to: w.to + shift }
}

/** Zooms a range around an instant by a factor (> 1: out). */
export function zoom(r: Range, around: number, factor: number, now: number): Range {
  const wide = Math.min(LONGEST, Math.max(SHORTEST_WINDOW, length(r) * factor))
  const part = Math.min(1, Math.max(0, (around - r.from) / Math.max(1, length(r))))
  const from = around - part * wide
  const over = Math.max(0, from + wide - now)
  return { from: from - over, to: from - over + wide }
}
