// Instants as people say them.

import { DAY, HOUR, MINUTE, SECOND, fromWall, parseDuration, parseStamp, wallOf } from './time'

export interface Now { now: number; zone: string | undefined; /** The instant on the screen when it is not now. */ at?: number | null }

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const TIME = '(?:(\\d{1,2}):(\\d{2})(?::(\\d{2})(?:\\.(\\d{1,3}))?)?\\s*(am|pm)?|(\\d{1,2})\\s*(am|pm)|(\\d{1,2})\\s*[点點时時](?:(\\d{1,2})分?)?)'

/** ms since midnight of the groups of TIME, which begin at `i`; null: no such time. */
function timeOf(m: RegExpExecArray, i: number): number | null {
  const g = (k: number): string | undefined => m[i + k]
  const half = g(4) ?? g(6)
  let h = Number(g(0) ?? g(5) ?? g(7) ?? 0)
  const min = Number(g(1) ?? g(8) ?? 0)
  const s = Number(g(2) ?? 0)
  const ms = Number((g(3) ?? '0').padEnd(3, '0'))
  if (half !== undefined) {
    if (h < 1 || h > 12) return null
    h = (h % 12) + (half === 'pm' ? 12 : 0)
  }
  if (h > 24 || min > 59 || s > 59) return null
  return h * HOUR + min * MINUTE + s * SECOND + ms
}

/** Midnight (as wall) of a date; null: there is no such day. */
function dateOf(year: number, month: number, day: number): number | null {
  const ms = Date.UTC(year, month - 1, day)
  const d = new Date(ms)
  return d.getUTCMonth() === month - 1 && d.getUTCDate() === day ? ms : null
}

/**
 * An instant as someone types it: `03:12`, `3am`, `-2h`, `2h ago`, `yesterday 3am`, `mar 12 03:12`, `2026-03-12 03:12:40`, RFC 3339, Unix
 * seconds or ms. A time alone is on the day shown in the past, else the last such time. Null: not understood.
 */
export function parseInstant(text: string, c: Now): number | 'live' | null {
  const t = text.trim().toLowerCase().replace(/\s+/g, ' ')
  if (t === '') return null
  if (/^(实时|现在)$/.test(t)) return 'live'
  const stamp = parseStamp(t, c.now)
  if (stamp !== null) return stamp
  const ago = /^(.+?) ?(?:ago|以?前)$/.exec(t)?.[1]
  const length = ago === undefined ? null : parseDuration(ago)
  if (length !== null) return c.now - length
  const today = Math.floor(wallOf(c.now, c.zone) / DAY) * DAY
  const on = (day: number | null, m: RegExpExecArray, i: number): number | null => {
    const time = m[i] === undefined && m[i + 5] === undefined && m[i + 7] === undefined ? 0 : timeOf(m, i)
    return day === null || time === null ? null : fromWall(day + time, c.zone)
  }
  let m = new RegExp(`^(\\d{4})[-/年](\\d{1,2})[-/月](\\d{1,2})日?(?:[t ,]*${TIME})?$`).exec(t)
  if (m !== null) return on(dateOf(Number(m[1]), Number(m[2]), Number(m[3])), m, 4)
  m = new RegExp(`^(?:(\\d{1,2})[-/月](\\d{1,2})日?|(${MONTHS.join('|')})[a-z]* (\\d{1,2}))(?:[t ,]*${TIME})?$`).exec(t)
  if (m !== null) {
    const month = m[3] === undefined ? Number(m[1]) : MONTHS.indexOf(m[3]) + 1
    const day = Number(m[2] ?? m[4])
    const year = new Date(today).getUTCFullYear()
    const here = on(dateOf(year, month, day), m, 5)
    return here !== null && here > c.now ? on(dateOf(year - 1, month, day), m, 5) : here
  }
  m = new RegExp(`^(yesterday|today|昨天|今天|前天)(?: ?${TIME})?$`).exec(t)
  if (m !== null) return on(today - (/^(yesterday|昨天)$/.test(m[1] as string) ? DAY : m[1] === '前天' ? 2 * DAY : 0), m, 2)
  m = new RegExp(`^${TIME}$`).exec(t)
  if (m !== null) {
    if (c.at !== null && c.at !== undefined) return on(Math.floor(wallOf(c.at, c.zone) / DAY) * DAY, m, 1)
    const here = on(today, m, 1)
    return here !== null && here > c.now ? on(today - DAY, m, 1) : here
  }
  return null
}
