// Instants and lengths of time as they stand in an address and along an axis.

export const SECOND = 1000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

const UNITS: Record<string, number> = {
  ms: 1, s: SECOND, sec: SECOND, 秒: SECOND, m: MINUTE, min: MINUTE, 分: MINUTE, 分钟: MINUTE, h: HOUR, 小时: HOUR, 时: HOUR, d: DAY, 天: DAY, 日: DAY, w: 7 * DAY, 周: 7 * DAY,
}

/** `90s`, `15m`, `1h30m`, `7d`, `2 小时`: ms; null: not a length of time. */
export function parseDuration(text: string): number | null {
  let rest = text.trim().toLowerCase()
  let sum = 0
  if (rest === '') return null
  while (rest !== '') {
    const m = /^(\d+(?:\.\d+)?)\s*([a-z]+|[\u4e00-\u9fff]+)\s*/.exec(rest)
    const unit = m === null ? undefined : UNITS[m[2] as string]
    if (m === null || unit === undefined) return null
    sum += Number(m[1]) * unit
    rest = rest.slice(m[0].length)
  }
  return sum
}

/** The shortest of `7d`, `6h`, `15m`, `90s` that says exactly this. */
export function durationText(ms: number): string {
  for (const [unit, size] of [['d', DAY], ['h', HOUR], ['m', MINUTE], ['s', SECOND]] as const) if (ms >= size && ms % size === 0) return `${ms / size}${unit}`
  return `${Math.max(1, Math.round(ms))}ms`
}

// ---- zones ----

const wallFormats = new Map<string, Intl.DateTimeFormat>()

/** What a clock on the wall shows: its reading, taken as if it were UTC, in ms. */
export function wallOf(ms: number, zone: string | undefined): number {
  const id = zone ?? ''
  let f = wallFormats.get(id)
  if (f === undefined) {
    f = new Intl.DateTimeFormat('en-US', {
      hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric', ...(zone === undefined ? {} : { timeZone: zone }),
    })
    wallFormats.set(id, f)
  }
  const p: Record<string, number> = {}
  for (const x of f.formatToParts(ms)) p[x.type] = Number(x.value)
  return Date.UTC(p['year'] ?? 1970, (p['month'] ?? 1) - 1, p['day'] ?? 1, p['hour'] ?? 0, p['minute'] ?? 0, p['second'] ?? 0)
}

/** How far the clocks of a zone are ahead of UTC, ms. */
export function offsetAt(ms: number, zone: string | undefined): number {
  const whole = Math.floor(ms / SECOND) * SECOND
  return wallOf(whole, zone) - whole
}

/** The instant at which the clocks of a zone show this; where they show it twice the first, where never the next that exists. */
export function fromWall(wall: number, zone: string | undefined): number {
  const first = wall - offsetAt(wall, zone)
  return wall - offsetAt(first, zone)
}

/** An instant as it stands in an address: `live`, RFC 3339, Unix seconds or ms, `-2h` before now; null: it is something else. */
export function parseStamp(text: string, now: number): number | 'live' | null {
  const t = text.trim().toLowerCase()
  if (t === 'live' || t === 'now') return 'live'
  if (/^\d{13}$/.test(t)) return Number(t)
  if (/^\d{10}$/.test(t)) return Number(t) * SECOND
  const ago = /^[-−–](.+)$/.exec(t)?.[1]
  const length = ago === undefined ? null : parseDuration(ago)
  if (length !== null) return now - length
  const m = /^(\d{4}-\d{2}-\d{2})[t ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?) ?(z|[+-]?\d{2}:?\d{2})$/.exec(t)
  if (m === null) return null
  const zone = m[3] as string
  // A `+` in an address that was not escaped arrives as a blank.
  const ms = Date.parse(`${m[1]}T${m[2]}${zone === 'z' ? 'Z' : (/^\d/.test(zone) ? `+${zone}` : zone).replace(/^(.\d{2}):?(\d{2})$/, '$1:$2')}`)
  return Number.isNaN(ms) ? null : ms
}

/** RFC 3339 with the offset of the zone, seconds or ms: how an instant stands in an address. */
export function stampText(ms: number, zone: string | undefined): string {
  const offset = offsetAt(ms, zone)
  const wall = new Date(ms + offset).toISOString()
  const minutes = Math.round(Math.abs(offset) / MINUTE)
  const two = (n: number): string => String(n).padStart(2, '0')
  const zoneText = offset === 0 ? 'Z' : `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
  return wall.slice(0, ms % SECOND === 0 ? 19 : 23) + zoneText
}

// ---- axes ----

const STEPS = [
  SECOND, 2 * SECOND, 5 * SECOND, 15 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 3 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR,
  DAY, 2 * DAY, 5 * DAY, 7 * DAY, 14 * DAY, 28 * DAY,
] as const

export interface Tick { at: number; kind: 'day' | 'minute' | 'second' }

/** Marks of an axis at round times of the zone's clocks, no more than `most`. */
export function ticks(from: number, to: number, most: number, zone: string | undefined): Tick[] {
  const step = STEPS.find((s) => (to - from) / s <= Math.max(1, most)) ?? 28 * DAY
  const offset = offsetAt(from, zone)
  const out: Tick[] = []
  for (let wall = Math.ceil((from + offset) / step) * step; out.length <= most + 1; wall += step) {
    // Clocks may be put back or on within the range.
    const at = wall - offsetAt(wall - offset, zone)
    if (at > to) break
    if (at >= from) out.push({ at, kind: wall % DAY === 0 ? 'day' : step < MINUTE ? 'second' : 'minute' })
  }
  return out
}
