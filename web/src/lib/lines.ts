// The figures of one process over time: what its charts draw, live or standing still.

import { RANGE_MS } from './bands'
import type { Range } from './clock'
import type { Gap, SeriesAnswer, Value } from './types'

/** Points of live charts that are longer than the usual: frames closer together count as one, the newest. */
const LONG_POINTS = 900

export class Lines {
  times: number[] = []
  readonly values: Record<string, number[]>
  gaps: readonly Gap[] = []
  /** The range of lines that stand still. */
  window: Range | null = null
  range = RANGE_MS
  private step = 0
  private readonly columns: readonly string[]

  constructor(columns: readonly string[]) {
    this.columns = columns
    this.values = Object.fromEntries(columns.map((c) => [c, [] as number[]]))
  }

  /** Lines that stand still; without an answer they are empty. */
  static of(columns: readonly string[], answer: SeriesAnswer | null, window: Range): Lines {
    const l = new Lines(columns)
    l.window = window
    if (answer === null) return l
    l.times = answer.times
    l.gaps = answer.gaps ?? []
    const s = answer.series[0]
    for (const c of columns) l.values[c] = answer.times.map((_, i) => s?.values[c]?.[i] ?? Number.NaN)
    return l
  }

  /** Forgets everything: what comes next does not join what was. */
  clear(): void {
    this.times = []
    for (const c of this.columns) this.values[c] = []
  }

  /** Makes live lines longer or shorter; what is older has to be put in front by `seed`. */
  reach(range: number): void {
    this.range = range
    this.step = range > RANGE_MS ? range / LONG_POINTS : 0
  }

  /** Points older than those held are put in front. */
  seed(answer: SeriesAnswer): void {
    const s = answer.series[0]
    if (s === undefined) return
    const before = this.times[0] ?? Number.POSITIVE_INFINITY
    const take: number[] = []
    answer.times.forEach((t, i) => { if (t < before && this.columns.some((c) => typeof s.values[c]?.[i] === 'number')) take.push(i) })
    this.times = take.map((i) => answer.times[i] as number).concat(this.times)
    for (const c of this.columns) this.values[c] = take.map((i) => s.values[c]?.[i] ?? Number.NaN).concat(this.values[c] ?? [])
  }

  push(at: number, row: Record<string, Value>): void {
    const last = this.times[this.times.length - 1]
    if (last !== undefined && at <= last) return
    const before = this.times[this.times.length - 2]
    if (this.step > 0 && before !== undefined && at - before < this.step) {
      this.times.pop()
      for (const c of this.columns) this.values[c]?.pop()
    }
    this.times.push(at)
    for (const c of this.columns) {
      const v = row[c]
      this.values[c]?.push(typeof v === 'number' ? v : Number.NaN)
    }
    let k = 0
    while (k < this.times.length && (this.times[k] as number) < at - this.range) k += 1
    if (k === 0) return
    this.times.splice(0, k)
    for (const c of this.columns) this.values[c]?.splice(0, k)
  }
}
