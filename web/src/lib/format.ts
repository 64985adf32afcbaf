// Number formats of the web UI (UI.md section 5). Everything that is shown as a number passes through here.
// Values come in base units: bytes, seconds, cores, ratios 0..1, Unix ms. `null`, `undefined` and NaN are unknown.

export const UNKNOWN = '—'
const THIN = '\u202f'

type Num = number | null | undefined

function unknown(n: Num): n is null | undefined {
  return n === null || n === undefined || Number.isNaN(n)
}

/** Rounds half away from zero, once. */
export function round(n: number, decimals = 0): number {
  const f = 10 ** decimals
  const scaled = Math.abs(n) * f
  const r = Math.floor(scaled + 0.5 + scaled * 1e-12) / f
  return n < 0 ? -r : r
}

function fixed(n: number, decimals: number): string {
  return round(n, decimals).toFixed(decimals)
}

/** CPU of a process, in percent of one core, or of so many: `0`, `4.1`, `96.4`, `1184`. */
export function cpuPercent(cores: Num, per = 1): string {
  if (unknown(cores)) return UNKNOWN
  const p = (cores / per) * 100
  if (p < 0.05) return '0'
  return round(p, 1) < 100 ? fixed(p, 1) : fixed(p, 0)
}

const LETTERS = ['B', 'K', 'M', 'G', 'T', 'P', 'E']

/** Splits by a base so that the rounded number stays below it. */
function scale(n: number, base: number, decimals: (n: number, i: number) => number): [string, number] {
  let i = 0
  let v = n
  for (;;) {
    const d = decimals(v, i)
    if (round(v, d) < base || i === LETTERS.length - 1) return [fixed(v, d), i]
    v /= base
    i += 1
  }
}

/** Bytes in a table cell, one letter: `0`, `412K`, `8.9G`, `41.6G`, `212M`. */
export function bytes(n: Num): string {
  if (unknown(n)) return UNKNOWN
  if (n < 0.5) return '0'
  const [text, i] = scale(n, 1024, (v, unit) => {
    if (unit === 0) return 0
    const below = unit === 1 ? 10 : 100
    return round(v, 1) < below ? 1 : 0
  })
  return text + LETTERS[i]
}

function significant(v: number): number {
  if (round(v, 2) < 10) return 2
  return round(v, 1) < 100 ? 1 : 0
}

/** The number and the unit apart, for headlines: `['41.6', 'GiB']`. */
export function bytesParts(n: Num): [string, string] {
  if (unknown(n)) return [UNKNOWN, '']
  if (n < 0.5) return ['0', 'B']
  const [text, i] = scale(n, 1024, (v, unit) => (unit === 0 ? 0 : significant(v)))
  return [text, i === 0 ? 'B' : `${LETTERS[i]}iB`]
}

function trim(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

/** Bytes in prose and on an axis: `41.6 GiB`, `48 GiB`. */
export function bytesLong(n: Num): string {
  const [text, unit] = bytesParts(n)
  return unit === '' ? text : text === '0' ? '0' : `${trim(text)} ${unit}`
}

/** Bits per second at host level, base 1000, number and unit apart: `['2.51', 'Gbit/s']`. */
export function bitsParts(bits: Num): [string, string] {
  if (unknown(bits)) return [UNKNOWN, '']
  if (bits < 0.5) return ['0', 'bit/s']
  const [text, i] = scale(bits, 1000, (v, unit) => (unit === 0 ? 0 : significant(v)))
  return [text, `${['', 'k', 'M', 'G', 'T', 'P', 'E'][i] ?? ''}bit/s`]
}

export function bitsLong(bits: Num): string {
  const [text, unit] = bitsParts(bits)
  return unit === '' ? text : text === '0' ? '0' : `${trim(text)} ${unit}`
}

/** A clock rate: `2.4 GHz`, `800 MHz`. */
export function hertz(n: Num): string {
  if (unknown(n)) return UNKNOWN
  const [text, i] = scale(n, 1000, (v, unit) => (unit === 0 ? 0 : significant(v)))
  return `${trim(text)} ${['', 'k', 'M', 'G', 'T'][i] ?? ''}Hz`
}

/** Whole counts, a thin space every three digits: `3 811`. */
export function count(n: Num): string {
  if (unknown(n)) return UNKNOWN
  return round(n).toFixed(0).replace(/\B(?=(\d{3})+$)/g, THIN)
}

/** Counts and rates of counts in tight places: `7`, `2.4`, `812`, `8.4 k`, `161 k`, `1.2 M`. */
export function countShort(n: Num): string {
  if (unknown(n)) return UNKNOWN
  const a = Math.abs(n)
  if (a < 0.05) return '0'
  if (round(a, 1) < 10 && !Number.isInteger(n)) return trim(fixed(n, 1))
  if (round(a) < 1000) return fixed(n, 0)
  const [text, i] = scale(a, 1000, (v, unit) => (unit === 0 ? 0 : round(v, 1) < 100 ? 1 : 0))
  return `${n < 0 ? '-' : ''}${text}${THIN}${['', 'k', 'M', 'G', 'T', 'P', 'E'][i] ?? ''}`
}

/** A ratio 0..1 as percent: `4.1 %`, `84 %`. */
export function percent(ratio: Num): string {
  if (unknown(ratio)) return UNKNOWN
  return `${percentNumber(ratio)} %`
}

export function percentNumber(ratio: Num): string {
  if (unknown(ratio)) return UNKNOWN
  const p = ratio * 100
  if (p < 0.05) return '0'
  return round(p, 1) < 10 ? fixed(p, 1) : fixed(p, 0)
}

/** Cores of the host, one decimal: `24.6`. */
export function cores(n: Num): string {
  return unknown(n) ? UNKNOWN : fixed(n, 1)
}

/** Load averages, two decimals below ten: `0.42`, `24.8`. */
export function load(n: Num): string {
  if (unknown(n)) return UNKNOWN
  return round(n, 2) < 10 ? fixed(n, 2) : fixed(n, 1)
}

/** A span of time, two units at most: `41 ms`, `8 s`, `18 min`, `2 h 04`, `18d 2h`, `213d`. */
export function duration(seconds: Num): string {
  if (unknown(seconds)) return UNKNOWN
  if (seconds <= 0) return '0 s'
  if (seconds < 0.9995e-3) return `${trim(fixed(seconds * 1e6, significantShort(seconds * 1e6)))} µs`
  if (seconds < 0.9995) return `${trim(fixed(seconds * 1e3, significantShort(seconds * 1e3)))} ms`
  if (seconds < 9.95) return `${trim(fixed(seconds, 1))} s`
  const s = Math.floor(seconds)
  if (s < 60) return `${s} s`
  if (s < 3600) return `${Math.floor(s / 60)} min`
  if (s < 86400) return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, '0')}`
  const d = Math.floor(s / 86400)
  const h = Math.floor((s % 86400) / 3600)
  return h > 0 ? `${d}d ${h}h` : `${d}d`
}

function significantShort(v: number): number {
  return round(v, 1) < 10 ? 1 : 0
}

/** The age column: `8s`, `5m11`, `1h00`, `4d18`, `213d`. */
export function age(seconds: Num): string {
  if (unknown(seconds)) return UNKNOWN
  const s = Math.max(0, Math.floor(seconds))
  const two = (n: number): string => String(n).padStart(2, '0')
  if (s < 60) return `${s}s`
  if (s < 3600) return `${Math.floor(s / 60)}m${two(s % 60)}`
  if (s < 86400) return `${Math.floor(s / 3600)}h${two(Math.floor((s % 3600) / 60))}`
  const d = Math.floor(s / 86400)
  return d < 10 ? `${d}d${two(Math.floor((s % 86400) / 3600))}` : `${d}d`
}

/** CPU time used so far: `41 ms`, `3.2 s`, `12 min`, as `duration`, but `0` where nothing was used. */
export function cpuTime(seconds: Num): string {
  if (unknown(seconds)) return UNKNOWN
  return seconds <= 0 ? '0' : duration(seconds)
}

export function celsius(n: Num): string {
  return unknown(n) ? UNKNOWN : `${fixed(n, 0)} °C`
}

/** An identifier (pid, port, uid): never grouped. */
export function identifier(n: Num): string {
  return unknown(n) ? UNKNOWN : String(n)
}

// ---- time of day ----

interface Zone { locale: string; zone: string | undefined }
const formats = new Map<string, Intl.DateTimeFormat>()

function intl(z: Zone, name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const id = `${name}|${z.locale}|${z.zone ?? ''}`
  let f = formats.get(id)
  if (f === undefined) {
    f = new Intl.DateTimeFormat(z.locale, { hourCycle: 'h23', ...options, ...(z.zone === undefined ? {} : { timeZone: z.zone }) })
    formats.set(id, f)
  }
  return f
}

/** `14:32:07` */
export function clock(ms: Num, z: Zone): string {
  return unknown(ms) ? UNKNOWN : intl(z, 'clock', { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(ms)
}

/** `14:32`, for axes. */
export function clockShort(ms: Num, z: Zone): string {
  return unknown(ms) ? UNKNOWN : intl(z, 'short', { hour: '2-digit', minute: '2-digit' }).format(ms)
}

/** `Mar 12` or `3月12日` */
export function day(ms: Num, z: Zone): string {
  return unknown(ms) ? UNKNOWN : intl(z, 'day', { month: 'short', day: 'numeric' }).format(ms)
}

/** The instant in full: `2026-03-12 14:32:07`, the same in every language. */
export function instant(ms: Num, z: Zone): string {
  if (unknown(ms)) return UNKNOWN
  const p = Object.fromEntries(
    intl({ locale: 'en-CA', zone: z.zone }, 'instant', {
      year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
    }).formatToParts(ms).map((x) => [x.type, x.value]),
  )
  return `${p['year']}-${p['month']}-${p['day']} ${p['hour']}:${p['minute']}:${p['second']}`
}

/** `Mar 12 14:32:07`: a start time in prose. */
export function dayClock(ms: Num, z: Zone): string {
  return unknown(ms) ? UNKNOWN : `${day(ms, z)} ${clock(ms, z)}`
}

/** The zone's name: `UTC+8`, `UTC`. */
export function zoneName(ms: number, z: Zone): string {
  const part = intl({ locale: 'en-US', zone: z.zone }, 'zone', { timeZoneName: 'shortOffset' })
    .formatToParts(ms).find((x) => x.type === 'timeZoneName')?.value ?? 'UTC'
  return part.replace('GMT', 'UTC').replace(/^UTC\+0$/, 'UTC')
}
