// The strip of frames under a pointer that is dragged over the time bar: one frame a pixel, its rows only, fetched ahead of the
// pointer, so that the table follows it.

import type { Range } from './clock'
import { Recent } from './recent'
import type { Full } from './types'

/** Frames kept; those not used longest go first. */
const KEPT = 200
/** Questions that are under way at one time. */
const AT_ONCE = 3
/** How far, in pixels, a frame may lie from the pointer and still be shown. */
const NEAR = 12
/** Where to look next, in pixels ahead (behind: negative): coarse first, so that a fast pointer finds something. */
const AHEAD = [0, 4, 8, 16, -4, 2, 12, 32, 24, -8, 48, 1, 3, 6, 64, -2, 5, 7, 10, 20, 28, 40, -1, -16]

export class Scrub {
  private readonly frames = new Recent<Full>(KEPT)
  /** Pixels whose frame is held or asked for. */
  private readonly known = new Set<number>()
  private readonly held: number[] = []
  private readonly abort = new AbortController()
  private readonly bar: Range
  private readonly pixel: number
  private readonly fetch: (at: number, signal: AbortSignal) => Promise<Full>
  private at = 0
  private way = 1
  private asking = 0

  /** `pixel`: ms of a pixel; `bar`: what may be asked for. */
  constructor(bar: Range, pixel: number, fetch: (at: number, signal: AbortSignal) => Promise<Full>) {
    this.bar = bar
    this.pixel = Math.max(1000, pixel)
    this.fetch = fetch
  }

  private instant(pixel: number): number {
    return Math.round((this.bar.from + pixel * this.pixel) / 1000) * 1000
  }

  private pixelOf(at: number): number {
    return Math.round((at - this.bar.from) / this.pixel)
  }

  /** The pointer is here now. */
  aim(at: number): void {
    if (at !== this.at && this.at !== 0) this.way = Math.sign(at - this.at)
    this.at = at
    this.ask()
  }

  private ask(): void {
    const here = this.pixelOf(this.at)
    const last = this.pixelOf(this.bar.to)
    for (const d of AHEAD) {
      if (this.asking >= AT_ONCE) return
      const k = here + d * this.way
      if (k < 0 || k > last || this.known.has(k)) continue
      this.known.add(k)
      this.asking += 1
      void this.fetch(this.instant(k), this.abort.signal)
        .then((f) => {
          this.frames.set(String(k), f)
          this.held.push(k)
          if (this.held.length > KEPT) this.known.delete(this.held.shift() as number)
        })
        .catch(() => { this.known.delete(k) })
        .finally(() => {
          this.asking -= 1
          if (!this.abort.signal.aborted) this.ask()
        })
    }
  }

  /** The frame nearest to an instant; null: none is near. */
  nearest(at: number): Full | null {
    const here = this.pixelOf(at)
    for (let d = 0; d <= NEAR; d += 1) {
      for (const k of d === 0 ? [here] : [here - d, here + d]) {
        const f = this.frames.get(String(k))
        if (f !== undefined) return f
      }
    }
    return null
  }

  stop(): void {
    this.abort.abort()
  }
}
