// What the time bar draws: the host's CPU and memory over the whole span, kept in tiles, so that sliding, zooming back and
// coming back to live ask only for what is not held yet.

import type { Gap, SeriesAnswer } from './types'
import type { Range } from './clock'

/** Points asked for over the span of the bar. */
const POINTS = 480
/** Points in a tile. */
export const TILE = 60
/** Tiles kept over all steps; those not used longest go first. */
const MOST_TILES = 120
const STEPS = [1, 2, 3, 5, 10, 15, 20, 30, 60, 120, 180, 300, 600, 900, 1200, 1800, 3600, 5400, 7200, 10_800, 21_600, 43_200, 86_400].map((s) => s * 1000)

/** The distance of two points on a bar of this span. */
export function stepOf(span: number): number {
  return STEPS.find((s) => span / s <= POINTS) ?? 86_400_000
}

interface Tile { cpu: Float64Array; mem: Float64Array; /** Server time up to which the tile is complete. */ until: number; used: number }

export class Strip {
  private readonly tiles = new Map<string, Tile>()
  private uses = 0
  private gapList: Gap[] = []

  private tile(step: number, index: number, make: boolean): Tile | undefined {
    const id = `${step}:${index}`
    let t = this.tiles.get(id)
    if (t === undefined && make) {
      t = { cpu: new Float64Array(TILE).fill(Number.NaN), mem: new Float64Array(TILE).fill(Number.NaN), until: 0, used: 0 }
      this.tiles.set(id, t)
      if (this.tiles.size > MOST_TILES) {
        let oldest: string | null = null
        let least = Number.POSITIVE_INFINITY
        for (const [k, x] of this.tiles) {
          if (k !== id && x.used < least) {
            least = x.used
            oldest = k
          }
        }
        if (oldest !== null) this.tiles.delete(oldest)
      }
    }
    if (t !== undefined) {
      this.uses += 1
      t.used = this.uses
    }
    return t
  }

  /** The ranges that have to be asked for so that the bar can be drawn up to `now`, neighbours joined. */
  missing(bar: Range, step: number, now: number): Range[] {
    const wide = step * TILE
    const out: Range[] = []
    for (let i = Math.floor(bar.from / wide); i * wide < Math.min(bar.to, now); i += 1) {
      const end = Math.min((i + 1) * wide, now)
      const until = this.tile(step, i, false)?.until ?? 0
      if (until >= end - step) continue
      const from = Math.max(i * wide, Math.floor(until / step) * step)
      const last = out[out.length - 1]
      if (last !== undefined && last.to >= from) last.to = end
      else out.push({ from, to: end })
    }
    return out
  }

  /** Takes an answer for a range that was missing. Ratios 0..1. */
  take(range: Range, step: number, answer: SeriesAnswer, cpu: readonly (number | null)[], mem: readonly (number | null)[]): void {
    const wide = step * TILE
    for (let i = Math.floor(range.from / wide); i * wide < range.to; i += 1) {
      const t = this.tile(step, i, true) as Tile
      t.until = Math.max(t.until, Math.min(range.to, (i + 1) * wide))
    }
    answer.times.forEach((at, k) => {
      const i = Math.floor(at / wide)
      const t = this.tile(step, i, false)
      if (t === undefined) return
      const j = Math.min(TILE - 1, Math.floor((at - i * wide) / step))
      t.cpu[j] = cpu[k] ?? Number.NaN
      t.mem[j] = mem[k] ?? Number.NaN
    })
    if (answer.gaps !== undefined) {
      const kept = this.gapList.filter((g) => (g.to ?? Number.POSITIVE_INFINITY) <= range.from || g.from >= range.to)
      this.gapList = [...kept, ...answer.gaps].sort((a, b) => a.from - b.from).filter((g, k, all) => k === 0 || g.from !== all[k - 1]?.from)
    }
  }

  /** A live frame: the point it falls into grows with it. Returns false where the point before it was never asked for. */
  push(at: number, step: number, cpu: number, mem: number): boolean {
    const wide = step * TILE
    const i = Math.floor(at / wide)
    const known = this.tile(step, i, false)
    const before = known?.until ?? this.tile(step, i - 1, false)?.until ?? 0
    if (before < at - Math.max(2 * step, 10_000)) return false
    const t = known ?? (this.tile(step, i, true) as Tile)
    const j = Math.min(TILE - 1, Math.floor((at - i * wide) / step))
    const larger = (was: number, is: number): number => (Number.isNaN(was) ? is : Number.isNaN(is) ? was : Math.max(was, is))
    t.cpu[j] = larger(t.cpu[j] as number, cpu)
    t.mem[j] = larger(t.mem[j] as number, mem)
    t.until = Math.max(t.until, at)
    return true
  }

  /** Calls `draw` for each point of the bar, oldest first; NaN: not known. */
  each(bar: Range, step: number, draw: (at: number, cpu: number, mem: number) => void): void {
    let index = Number.NaN
    let t: Tile | undefined
    for (let at = Math.floor(bar.from / step) * step; at < bar.to; at += step) {
      const i = Math.floor(at / (step * TILE))
      if (i !== index) {
        index = i
        t = this.tile(step, i, false)
      }
      const j = Math.round((at - i * step * TILE) / step)
      draw(at, t?.cpu[j] ?? Number.NaN, t?.mem[j] ?? Number.NaN)
    }
  }

  gaps(bar: Range): Gap[] {
    return this.gapList.filter((g) => g.from < bar.to && (g.to ?? Number.POSITIVE_INFINITY) > bar.from)
  }

  clear(): void {
    this.tiles.clear()
    this.gapList = []
  }
}
