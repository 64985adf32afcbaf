// How a figure of the catalogue is shown. Everything is decided from its unit and scope, so that a figure added on
// the server shows up here by itself; only the few process columns with a look of their own are named.

import * as f from './format'
import type { Lang } from './i18n'
import type { Figure, Value } from './types'

/** `per`: cores that are 100 % of CPU. */
export interface Context { lang: Lang; zone: string | undefined; at: number; per: number }

export class Catalogue {
  readonly byScope = new Map<string, Figure[]>()
  private readonly index = new Map<string, Figure>()

  constructor(figures: Figure[]) {
    for (const x of figures) {
      const list = this.byScope.get(x.scope)
      if (list === undefined) this.byScope.set(x.scope, [x])
      else list.push(x)
      this.index.set(`${x.scope}.${x.id}`, x)
    }
  }

  get(scope: string, id: string): Figure | undefined {
    return this.index.get(`${scope}.${id}`)
  }

  scope(scope: string): Figure[] {
    return this.byScope.get(scope) ?? []
  }
}

export function isText(x: Figure): boolean {
  return x.unit === 'text'
}

/** Texts, identifiers and flags stand left or as they are; everything else is a number, right-aligned. */
export function isNumber(x: Figure): boolean {
  return !isText(x) && x.unit !== 'bool'
}

export function show(x: Figure, v: Value, c: Context): string {
  if (v === null || v === undefined) return f.UNKNOWN
  if (x.unit === 'bool') return v === true || v === 1 || v === 'true' ? '✓' : ''
  if (typeof v === 'string') return v
  if (typeof v === 'boolean') return v ? '✓' : ''
  return showNumber(x, v, c)
}

export function showNumber(x: Figure, v: number, c: Context): string {
  if (Number.isNaN(v)) return f.UNKNOWN
  switch (x.unit) {
    case 'cores': return x.scope === 'host' ? f.cores(v) : f.cpuPercent(v, c.per)
    // A length of packets is compared digit by digit: 1400 is not 1500.
    case 'bytes': return x.id === 'mtu' ? f.identifier(v) : f.bytes(v)
    case 'bytes_per_second': return v < 1 ? '0' : f.bytes(v)
    case 'bits_per_second': return f.bitsLong(v)
    case 'seconds':
      if (x.id === 'age' || x.id === 'pss_age' || x.id === 'idle') return f.age(v)
      return f.cpuTime(v)
    case 'ratio': return f.percent(v)
    case 'per_second': return f.countShort(v)
    case 'celsius': return f.celsius(v)
    case 'unix_ms': {
      const z = { locale: c.lang === 'zh' ? 'zh-CN' : 'en', zone: c.zone }
      return c.at - v < 86_400_000 ? f.clock(v, z) : f.day(v, z)
    }
    case 'count': return v >= 1e6 ? f.countShort(v) : f.count(v)
    case 'hertz': return f.hertz(v)
    // Identifiers are never grouped; a length of a queue may be broken.
    default: return Number.isInteger(v) ? f.identifier(v) : f.countShort(v)
  }
}

/** True where a shown text is a mere zero, which is drawn faint. */
export function isZero(text: string): boolean {
  return text === '0' || text === '0 %'
}

const BARS: Record<string, string> = {
  cpu: '--cpu', cpu_user: '--cpu', cpu_sys: '--cpu-2', usage: '--cpu', user: '--cpu', system: '--cpu-2',
  rss: '--mem', uss: '--mem', swap: '--mem-2',
  read: '--disk', write: '--disk', busy: '--disk', rx: '--net', tx: '--net',
}

/** Hue of the bar behind a cell; null: none. */
export function barHue(x: Figure): string | null {
  if (isText(x) || x.unit === 'none') return null
  if (x.scope === 'filesystem' && x.unit === 'ratio') return '--mem'
  return BARS[x.id] ?? null
}

/** Whether values of several processes can be summed to one of a group. */
export function isAdditive(x: Figure): boolean {
  if (isText(x)) return false
  switch (x.unit) {
    case 'bytes': return true
    case 'cores': case 'bytes_per_second': case 'per_second': return true
    case 'count': return !/^(fd_limit|oom_score|oom_adj|nice)$/.test(x.id)
    case 'seconds': return x.id === 'utime' || x.id === 'stime' || x.id === 'runq' || x.id === 'runq_total'
    default: return false
  }
}

/** Emphasis for a heavy value. */
export function isHot(x: Figure, v: number, memTotal: number): boolean {
  switch (x.unit) {
    case 'cores': return v >= 1
    case 'bytes': return (x.id === 'rss' || x.id === 'uss') && memTotal > 0 && v >= memTotal / 8
    case 'bytes_per_second': return v >= 60 * 1024 * 1024
    case 'ratio': return v >= 0.9
    default: return false
  }
}

/** Columns shown without `cols`, in this order, where the catalogue has them. */
export const DEFAULT_COLUMNS = ['pid', 'user', 'cmd', 'spark', 'cpu', 'rss', 'pss', 'read', 'write', 'rx', 'tx', 'threads', 'fds', 'state', 'age'] as const
/** Folded away at 1024 px and less. */
export const FOLDED = new Set(['pss', 'threads', 'fds'])
/** Always asked for: every row needs them to be named, sorted and tied. */
export const BASE_COLUMNS = ['pid', 'ppid', 'user', 'name', 'cmd', 'state', 'start', 'kthread'] as const

/** About how wide a head is at 11 px, with padding and the arrow of sorting. */
function headWidth(head: string): number {
  let w = 0
  for (const c of head) w += c.charCodeAt(0) > 0x2e7f ? 11 : /[A-Z%]/.test(c) ? 7.6 : 6
  return Math.ceil(w) + 28
}

/** Width of a column: [smallest px, share of what is left]. */
export function width(x: Figure, head: string): [number, number] {
  const [px, share] = usualWidth(x)
  return [Math.max(px, x.id === 'state' && x.scope === 'process' && head.length < 2 ? 0 : headWidth(head)), share]
}

function usualWidth(x: Figure): [number, number] {
  switch (x.id) {
    case 'pid': return [56, 0]
    case 'cmd': case 'exe': case 'cwd': case 'cgroup': return [230, 1]
    case 'user': return [80, 0]
    case 'name': case 'label': case 'unit': case 'container': case 'wchan': return [140, 0]
    case 'state': return x.scope === 'process' ? [30, 0] : [96, 0]
    case 'threads': return [46, 0]
    case 'fds': return [60, 0]
    case 'age': return [74, 0]
    case 'address': return [156, 0]
    case 'local': case 'remote': return [172, 1]
    case 'mount': case 'device': case 'model': case 'image': case 'target': return [160, 1]
  }
  if (isText(x)) return [110, 0]
  switch (x.unit) {
    case 'cores': return [70, 0]
    case 'bytes': case 'bytes_per_second': return [66, 0]
    case 'unix_ms': return [76, 0]
    case 'bits_per_second': return [90, 0]
    default: return [66, 0]
  }
}

export const STATES: Record<string, 'stateR' | 'stateS' | 'stateD' | 'stateT' | 'stateZ' | 'stateI' | 'stateX'> = {
  R: 'stateR', S: 'stateS', D: 'stateD', T: 'stateT', t: 'stateT', Z: 'stateZ', I: 'stateI', X: 'stateX',
}
