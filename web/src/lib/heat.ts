// How long calls took, second by second: the latency heat map of a trace.

import type { Count } from './watch'

/** Powers of two of nanoseconds that have a row: 1 µs to 1 s; what is shorter or longer stands in the first or last one. */
const LOW = 10
export const ROWS = 21
/** Columns of the picture. */
export const COLUMNS = 60
/** The longest range, seconds. */
const MOST = 600
const RANGES = [60, 120, 300, MOST]

/** Counts of nanoseconds by power of two, as rows of the picture. */
export function rowsOf(buckets: readonly number[]): number[] {
  const out = new Array<number>(ROWS).fill(0)
  buckets.forEach((n, power) => {
    const row = Math.max(0, Math.min(ROWS - 1, power - LOW))
    out[row] = (out[row] as number) + n
  })
  return out
}

export class Heat {
  /** By call, and of all under '': a ring of seconds with a count for each row. */
  private readonly rings = new Map<string, Uint32Array>()
  private last: Map<string, readonly number[]> | null = null
  private first = 0
  private second = 0

  /** Takes the totals of a moment. The first ones only say where counting begins. */
  push(at: number, counts: readonly Count[]): void {
    const second = Math.floor(at / 1000)
    const before = this.last
    this.last = new Map(counts.map((c) => [c.name, c.buckets]))
    if (before === null) {
      this.first = second
      this.second = second
      return
    }
    // What stood there ten minutes ago goes.
    for (let s = Math.max(this.second + 1, second - MOST + 1); s <= second; s += 1) for (const ring of this.rings.values()) ring.fill(0, (s % MOST) * ROWS, (s % MOST) * ROWS + ROWS)
    this.second = Math.max(this.second, second)
    for (const c of counts) {
      const was = before.get(c.name)
      const fresh = rowsOf(c.buckets.map((n, i) => Math.max(0, n - (was?.[i] ?? 0))))
      if (fresh.some((n) => n > 0)) for (const name of [c.name, '']) this.add(name, second, fresh)
    }
  }

  private add(name: string, second: number, rows: readonly number[]): void {
    let ring = this.rings.get(name)
    if (ring === undefined) {
      ring = new Uint32Array(MOST * ROWS)
      this.rings.set(name, ring)
    }
    const from = (second % MOST) * ROWS
    for (let i = 0; i < ROWS; i += 1) ring[from + i] = (ring[from + i] as number) + (rows[i] as number)
  }

  get empty(): boolean {
    return this.last === null
  }

  /** Seconds that the picture spans: the shortest range that holds all that was seen. */
  get range(): number {
    return RANGES.find((r) => r > this.second - this.first) ?? MOST
  }

  /** When the picture ends, ms. */
  get to(): number {
    return (this.second + 1) * 1000
  }

  /** How many calls of the picture are in each row. */
  sums(name: string): number[] {
    const out = new Array<number>(ROWS).fill(0)
    this.cells(name).forEach((n, i) => { out[i % ROWS] = (out[i % ROWS] as number) + n })
    return out
  }

  /** Counts of a call (or of all), column after column, in each those of short calls first. */
  cells(name: string): Uint32Array {
    const out = new Uint32Array(COLUMNS * ROWS)
    const ring = this.rings.get(name)
    if (ring === undefined) return out
    const step = this.range / COLUMNS
    for (let ago = 0; ago < this.range && ago < MOST; ago += 1) {
      const second = this.second - ago
      if (second < this.first) break
      const column = COLUMNS - 1 - Math.floor(ago / step)
      for (let i = 0; i < ROWS; i += 1) out[column * ROWS + i] = (out[column * ROWS + i] as number) + (ring[(second % MOST) * ROWS + i] as number)
    }
    return out
  }
}

/** Nanoseconds from which on a row counts; the first one has all that is shorter, too. */
export const from = (row: number): number => 2 ** (LOW + row)

/** Room for the words at the left and below. */
const LEFT = 42
const BELOW = 14

/** Draws it: the more calls, the stronger the colour. */
export function drawHeat(canvas: HTMLCanvasElement, heat: Heat, name: string, clock: (ms: number) => string): void {
  const width = canvas.clientWidth
  const height = canvas.clientHeight
  const g = canvas.getContext('2d')
  if (width === 0 || height === 0 || g === null) return
  const d = devicePixelRatio
  canvas.width = Math.round(width * d)
  canvas.height = Math.round(height * d)
  g.scale(d, d)
  const style = getComputedStyle(canvas)
  const css = (of: string): string => style.getPropertyValue(of).trim()
  const cells = heat.cells(name)
  const most = Math.sqrt(Math.max(1, ...cells))
  const w = (width - LEFT) / COLUMNS
  const bottom = height - BELOW
  const h = bottom / ROWS
  g.fillStyle = css('--cpu')
  cells.forEach((n, i) => {
    if (n === 0) return
    g.globalAlpha = 0.18 + (0.82 * Math.sqrt(n)) / most
    g.fillRect(LEFT + Math.floor(i / ROWS) * w, bottom - ((i % ROWS) + 1) * h, w - 1, h - 0.5)
  })
  g.globalAlpha = 1
  g.fillStyle = css('--text-3')
  g.font = `10px ${css('--font-ui')}`
  g.textAlign = 'right'
  ;['1 µs', '32 µs', '1 ms', '32 ms', '1 s'].forEach((text, i) => { g.fillText(text, LEFT - 6, Math.max(9, bottom - i * 5 * h)) })
  g.textAlign = 'center'
  if (!heat.empty) for (const part of [0.2, 0.5, 0.8]) g.fillText(clock(heat.to - (1 - part) * heat.range * 1000), LEFT + (width - LEFT) * part, height - 2)
}
