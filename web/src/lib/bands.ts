// The coloured processes and what the four charts draw: the six heaviest processes, one colour each, the same in the
// chip before the row, in every chart and in the tooltip. The rest, up to the total of the host, is `other`.

import type { Range } from './clock'
import type { Consumer, Gap, Series, SeriesAnswer, TopItem, Value } from './types'

export const BANDS = 6
/** Length of the charts while nobody chose another. */
export const RANGE_MS = 15 * 60_000
/** Points of charts that are longer than that: frames closer together are drawn as one, their mean. */
const LONG_POINTS = 900
/** A newcomer takes a colour when it is this much heavier than the lightest coloured process. */
const PUSH = 1.25
/** Share of the newest value in the running mean that ranks the processes. */
const NEW = 0.35

export const METRICS = ['cpu', 'rss', 'read', 'write', 'rx', 'tx'] as const
export type Metric = (typeof METRICS)[number]
/** Figures of the host kept for the charts. */
export const HOST_FIGURES = ['cpu_busy', 'mem_used', 'disk_read', 'disk_write', 'net_rx', 'net_tx'] as const
export type HostFigure = (typeof HOST_FIGURES)[number]

export interface Band {
  key: string
  label: string
  mean: number
  /** One value per entry of `times`; NaN: not known (drawn as nothing, so it falls to `other`). */
  values: Record<Metric, number[]>
  filled: boolean
}

const blank = <K extends string>(names: readonly K[], n: number): Record<K, number[]> =>
  Object.fromEntries(names.map((m) => [m, new Array<number>(n).fill(Number.NaN)])) as Record<K, number[]>

const number = (v: Value | undefined): number => (typeof v === 'number' ? v : Number.NaN)

export class Bands {
  /** Unix ms of each point, oldest first. */
  times: number[] = []
  host: Record<HostFigure, number[]> = blank(HOST_FIGURES, 0)
  /** Colour 1..6 is index 0..5. */
  slots: (Band | null)[] = new Array<Band | null>(BANDS).fill(null)
  by: Metric = 'cpu'
  /** Where nothing is known. */
  gaps: Gap[] = []
  /** The range of charts that stand still. */
  window: Range | null = null
  /** Length of the charts, ms. */
  range = RANGE_MS
  private step = 0
  private merged = 1
  private readonly ask: (key: string) => void

  /** `ask` is called with the key of a process that has just got a colour and has no past yet. */
  constructor(ask: (key: string) => void) {
    this.ask = ask
  }

  /** The charts of a range that stands still: nothing is added to them. */
  static still(host: SeriesAnswer, top: readonly Consumer[], by: Metric): Bands {
    const b = new Bands(() => undefined)
    b.by = by
    b.times = host.times
    b.gaps = host.gaps ?? []
    const s = host.series[0]
    for (const f of HOST_FIGURES) b.host[f] = host.times.map((_, i) => number(s?.values[f]?.[i]))
    top.filter((x) => x.value > 0).slice(0, BANDS).forEach((x, i) => {
      b.slots[i] = { key: x.key, label: x.label, mean: x.value, values: blank(METRICS, host.times.length), filled: false }
    })
    return b
  }

  /** Forgets everything: what comes next does not join what was. */
  clear(): void {
    this.times = []
    this.host = blank(HOST_FIGURES, 0)
    this.slots = new Array<Band | null>(BANDS).fill(null)
    this.merged = 1
  }

  /** Makes the charts longer or shorter; what is older has to be put in front by `seed`. */
  reach(range: number): void {
    this.range = range
    this.step = range > RANGE_MS ? range / LONG_POINTS : 0
    this.merged = 1
  }

  /** 1..6, or 0 for a process without a colour. */
  colour(key: string): number {
    for (let i = 0; i < BANDS; i += 1) if (this.slots[i]?.key === key) return i + 1
    return 0
  }

  rank(by: Metric): void {
    if (this.by === by) return
    this.by = by
    for (const b of this.slots) if (b !== null) b.mean = 0
  }

  /** The host's past. Points older than those held are put in front. */
  seed(answer: SeriesAnswer): void {
    const s = answer.series[0]
    if (s === undefined) return
    const before = this.times[0] ?? Number.POSITIVE_INFINITY
    const take: number[] = []
    answer.times.forEach((t, i) => {
      if (t < before && HOST_FIGURES.some((f) => typeof s.values[f]?.[i] === 'number')) take.push(i)
    })
    if (take.length === 0) return
    this.times = take.map((i) => answer.times[i] as number).concat(this.times)
    for (const f of HOST_FIGURES) this.host[f] = take.map((i) => number(s.values[f]?.[i])).concat(this.host[f])
    for (const b of this.slots) {
      if (b === null) continue
      for (const m of METRICS) b.values[m] = new Array<number>(take.length).fill(Number.NaN).concat(b.values[m])
      b.filled = false
      this.ask(b.key)
    }
  }

  /** The past of one process, laid under the points held. */
  fill(key: string, answer: SeriesAnswer, s: Series): void {
    const band = this.slots.find((b) => b?.key === key)
    if (band === null || band === undefined || answer.times.length === 0) return
    const near = answer.step_ms * 1.5
    let j = 0
    for (let i = 0; i < this.times.length; i += 1) {
      const t = this.times[i] as number
      while (j + 1 < answer.times.length && Math.abs((answer.times[j + 1] as number) - t) <= Math.abs((answer.times[j] as number) - t)) j += 1
      if (Math.abs((answer.times[j] as number) - t) > near) continue
      for (const m of METRICS) {
        const values = band.values[m]
        if (Number.isNaN(values[i])) values[i] = number(s.values[m]?.[j])
      }
    }
    band.filled = true
  }

  /** One live frame. `lookup` finds the value of a process that is not in `top`. */
  frame(at: number, host: Record<string, Value>, top: readonly TopItem[], lookup: (key: string, metric: Metric) => number): void {
    const last = this.times[this.times.length - 1]
    if (last !== undefined && at <= last) return
    const before = this.times[this.times.length - 2]
    const merge = this.step > 0 && before !== undefined && at - before < this.step
    if (merge) {
      this.times[this.times.length - 1] = at
      this.merged += 1
    } else {
      this.times.push(at)
      this.merged = 1
    }
    const put = (values: number[], v: number): void => {
      if (!merge) {
        values.push(v)
        return
      }
      const was = values[values.length - 1] as number
      if (!Number.isNaN(v)) values[values.length - 1] = Number.isNaN(was) ? v : was + (v - was) / this.merged
    }
    for (const f of HOST_FIGURES) put(this.host[f], number(host[f]))
    const weight = new Map<string, number>()
    for (const item of top) weight.set(item.key, number(item.values?.[this.by]))
    for (const b of this.slots) {
      if (b === null) continue
      const item = top.find((x) => x.key === b.key)
      for (const m of METRICS) put(b.values[m], item !== undefined ? number(item.values?.[m]) : lookup(b.key, m))
      if (item !== undefined) b.label = item.label
      const now = weight.get(b.key) ?? lookup(b.key, this.by)
      b.mean += NEW * ((Number.isNaN(now) ? 0 : now) - b.mean)
    }
    this.assign(top, weight)
    this.trim(at)
  }

  private assign(top: readonly TopItem[], weight: Map<string, number>): void {
    for (const item of top) {
      const w = weight.get(item.key) ?? Number.NaN
      if (!(w > 0) || this.colour(item.key) !== 0) continue
      let place = this.slots.indexOf(null)
      if (place < 0) {
        let lightest = 0
        for (let i = 1; i < BANDS; i += 1) if ((this.slots[i] as Band).mean < (this.slots[lightest] as Band).mean) lightest = i
        if (w <= (this.slots[lightest] as Band).mean * PUSH) continue
        place = lightest
      }
      const n = this.times.length
      const band: Band = { key: item.key, label: item.label, mean: w, values: blank(METRICS, n), filled: false }
      for (const m of METRICS) band.values[m][n - 1] = number(item.values?.[m])
      this.slots[place] = band
      this.ask(item.key)
    }
  }

  private trim(at: number): void {
    let k = 0
    while (k < this.times.length && (this.times[k] as number) < at - this.range) k += 1
    if (k === 0) return
    this.times.splice(0, k)
    for (const f of HOST_FIGURES) this.host[f].splice(0, k)
    for (const b of this.slots) if (b !== null) for (const m of METRICS) b.values[m].splice(0, k)
  }

  /** The total of a chart and what each coloured process has of it; sums of the given figures. */
  stack(total: readonly HostFigure[], metrics: readonly Metric[]): { times: number[]; total: number[]; bands: number[][]; other: number[] } {
    const n = this.times.length
    const sum = (arrays: number[][]): number[] => {
      const out = new Array<number>(n)
      for (let i = 0; i < n; i += 1) {
        let v = 0
        let known = false
        for (const a of arrays) {
          const x = a[i] as number
          if (!Number.isNaN(x)) {
            v += x
            known = true
          }
        }
        out[i] = known ? v : Number.NaN
      }
      return out
    }
    const all = sum(total.map((f) => this.host[f]))
    const bands = this.slots.map((b) => (b === null ? new Array<number>(n).fill(Number.NaN) : sum(metrics.map((m) => b.values[m]))))
    const other = all.map((t, i) => {
      let rest = t
      for (const b of bands) if (!Number.isNaN(b[i] as number)) rest -= b[i] as number
      return Number.isNaN(t) ? t : Math.max(0, rest)
    })
    return { times: this.times, total: all, bands, other }
  }
}
