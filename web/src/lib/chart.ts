// Charts on uPlot: stacked bands and lines in the look of the design (axis words inside, no frame), one shared cursor.

import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { ticks, type Tick } from './time'
import type { Gap } from './types'

export interface Layer {
  label: string
  /** CSS variable. */
  hue: string
  values: readonly number[]
  /** Filled under the line (lines only). */
  fill?: boolean
  dash?: boolean
}

export interface Picture {
  /** Unix ms. */
  times: readonly number[]
  /** Stacked: bottom first. */
  layers: Layer[]
  stacked: boolean
  /** Smallest upper end of the scale. */
  max: number
  /** The scale ends exactly at `max`. */
  exact: boolean
  /** Ticks are powers of two of the base (bytes) or decimal. */
  binary: boolean
  format(v: number): string
  clock(ms: number): string
  line?: { value: number; hue: string; label: string } | undefined
  /** Totals for the tooltip. */
  totals?: readonly number[] | undefined
  /** Length of an axis that ends with the newest point. */
  span: number
  /** The axis of charts that stand still, Unix ms. */
  range?: { from: number; to: number } | undefined
  /** The playhead of a rewound view. */
  at?: number | null
  gaps?: readonly Gap[]
  zone?: string | undefined
  /** Word at a mark of the axis. */
  tick(t: Tick): string
}

/** What a pointer asks of a chart. */
export interface Picks {
  /** A click: this instant. */
  go(at: number): void
  /** A range was drawn. */
  select(from: number, to: number): void
  /** With Shift: the window moves by so much; `done` when the pointer was let go. */
  pan(by: number, done: boolean): void
  zoom(around: number, factor: number): void
}

/** Pixels that a pointer may move in a click. */
const CLICK = 5

export interface Hover { index: number; left: number; top: number; width: number }

export function niceMax(v: number, binary: boolean): number {
  if (!(v > 0)) return 1
  const base = binary ? 1024 ** Math.floor(Math.log2(v) / 10) : 10 ** Math.floor(Math.log10(v))
  const m = v / base
  const steps = binary ? [1, 2, 4, 5, 8, 10, 16, 20, 32, 40, 50, 64, 80, 100, 128, 160, 200, 256, 320, 400, 512, 640, 800, 1024] : [1, 2, 4, 5, 10]
  return (steps.find((s) => s >= m * 0.999) ?? 10) * base
}

export class Chart {
  private u: uPlot | null = null
  private picture: Picture | null = null
  private readonly el: HTMLElement
  private readonly hover: (h: Hover | null) => void
  private readonly sync: string
  private readonly observer: ResizeObserver
  private shape = ''
  private max = 1
  private visible: boolean

  private readonly picks: Picks | null
  private readonly box = document.createElement('div')
  private drag: { x: number; pan: boolean; last: number; moved: boolean } | null = null

  constructor(el: HTMLElement, sync: string, hover: (h: Hover | null) => void, picks: Picks | null = null) {
    this.el = el
    this.picks = picks
    this.box.className = 'pick'
    this.box.hidden = true
    this.sync = sync
    this.hover = hover
    this.visible = true
    this.observer = new ResizeObserver(() => {
      if (this.u !== null && el.clientWidth > 0) this.u.setSize({ width: el.clientWidth, height: el.clientHeight })
    })
    this.observer.observe(el)
  }

  destroy(): void {
    this.observer.disconnect()
    this.u?.destroy()
    this.u = null
  }

  /** Colours come from CSS variables and are read again, for a change of theme. */
  restyle(): void {
    this.shape = ''
    if (this.picture !== null) this.draw(this.picture)
  }

  draw(p: Picture): void {
    if (!this.visible || this.el.clientWidth === 0) return
    this.picture = p
    const shape = JSON.stringify([p.stacked, p.layers.map((l) => [l.hue, l.fill, l.dash])])
    if (shape !== this.shape || this.u === null) {
      this.u?.destroy()
      this.u = this.build(p)
      this.shape = shape
    }
    const n = p.times.length
    const x = new Array<number>(n)
    for (let i = 0; i < n; i += 1) x[i] = (p.times[i] as number) / 1000
    let top = 0
    const series: (number | null)[][] = []
    if (p.stacked) {
      const sum = new Float64Array(n)
      for (const l of p.layers) {
        const out = new Array<number | null>(n)
        for (let i = 0; i < n; i += 1) {
          const v = l.values[i] as number
          if (v === v) sum[i] = (sum[i] as number) + v
          const gap = (p.layers[0] as Layer).values[i] as number
          out[i] = gap === gap ? (sum[i] as number) : null
          if ((sum[i] as number) > top) top = sum[i] as number
        }
        series.push(out)
      }
    } else {
      for (const l of p.layers) {
        const out = new Array<number | null>(n)
        for (let i = 0; i < n; i += 1) {
          const v = l.values[i] as number
          out[i] = v === v ? v : null
          if (v > top) top = v
        }
        series.push(out)
      }
    }
    if (p.line !== undefined) top = Math.max(top, p.line.value * 1.04)
    // A scale that means something (all cores, all memory) is kept even where sums of samples overshoot it a little.
    this.max = p.exact ? p.max : niceMax(Math.max(p.max, top * 1.06), p.binary)
    this.u.setData([x, ...series] as uPlot.AlignedData, true)
  }

  private css(name: string): string {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
  }

  private build(p: Picture): uPlot {
    const light = document.documentElement.dataset['theme'] === 'light'
    const mix = (hue: string, part: number): string => `color-mix(in srgb, ${this.css(hue)} ${Math.round(part * 100)}%, transparent)`
    const surface = this.css('--surface')
    const series: uPlot.Series[] = [{}]
    const bands: uPlot.Band[] = []
    p.layers.forEach((l, i) => {
      const area = l.hue === '--p0' ? 0.55 : light ? 0.62 : 0.72
      if (p.stacked) {
        const fill = mix(l.hue, area)
        series.push({ label: l.label, stroke: surface, width: 1, points: { show: false }, ...(i === 0 ? { fill } : {}), spanGaps: false })
        if (i > 0) bands.push({ series: [i + 1, i], fill })
      } else {
        series.push({
          label: l.label, stroke: this.css(l.hue), width: 1.4, points: { show: false }, spanGaps: false,
          ...(l.fill === true ? { fill: mix(l.hue, 0.16) } : {}), ...(l.dash === true ? { dash: [3, 3] } : {}),
        })
      }
    })
    const plot = new uPlot(
      {
        width: this.el.clientWidth,
        height: this.el.clientHeight,
        padding: [4, 0, 14, 0],
        legend: { show: false },
        axes: [{ show: false }, { show: false }],
        scales: {
          x: { time: false, range: () => this.rangeX() },
          y: { range: () => [0, this.max] },
        },
        cursor: {
          y: false,
          points: { show: false },
          drag: { x: false, y: false, setScale: false },
          sync: { key: this.sync, scales: ['x', null] },
        },
        series,
        bands,
        hooks: {
          drawClear: [(u) => { this.drawGrid(u) }],
          draw: [(u) => { this.drawWords(u) }],
          setCursor: [(u) => {
            const i = u.cursor.idx
            const left = u.cursor.left ?? -1
            // Only the chart under the pointer shows its tooltip; the others show the line.
            const own = u.cursor.event !== undefined && u.cursor.event !== null && u.over.matches(':hover')
            this.hover(i === null || i === undefined || left < 0 || !own ? null : { index: i, left, top: u.cursor.top ?? 0, width: u.over.clientWidth })
          }],
        },
      },
      [[], ...p.layers.map(() => [])] as uPlot.AlignedData,
      this.el,
    )
    if (this.picks !== null) this.listen(plot, this.picks)
    return plot
  }

  /** A drag draws a range, with Shift it moves the window, a click goes there. */
  private listen(u: uPlot, picks: Picks): void {
    const over = u.over
    over.append(this.box)
    const place = (e: PointerEvent | WheelEvent): number => {
      const r = over.getBoundingClientRect()
      return Math.max(0, Math.min(r.width, e.clientX - r.left))
    }
    const at = (x: number): number => u.posToVal(x, 'x') * 1000
    over.addEventListener('pointerdown', (e) => {
      if (e.button !== 0) return
      const x = place(e)
      this.drag = { x, pan: e.shiftKey, last: x, moved: false }
      over.setPointerCapture(e.pointerId)
    })
    over.addEventListener('pointermove', (e) => {
      const d = this.drag
      if (d === null) return
      const x = place(e)
      if (!d.moved && Math.abs(x - d.x) < CLICK) return
      d.moved = true
      if (d.pan) {
        picks.pan(at(d.last) - at(x), false)
        d.last = x
        return
      }
      this.box.hidden = false
      this.box.style.left = `${Math.min(x, d.x)}px`
      this.box.style.width = `${Math.abs(x - d.x)}px`
    })
    const end = (e: PointerEvent): void => {
      const d = this.drag
      this.drag = null
      this.box.hidden = true
      if (d === null || e.type === 'pointercancel') return
      const x = place(e)
      if (!d.moved) picks.go(at(x))
      else if (d.pan) picks.pan(0, true)
      else picks.select(at(Math.min(x, d.x)), at(Math.max(x, d.x)))
    }
    over.addEventListener('pointerup', end)
    over.addEventListener('pointercancel', end)
    over.addEventListener('wheel', (e) => {
      if (!e.ctrlKey) return
      e.preventDefault()
      picks.zoom(at(place(e)), e.deltaY > 0 ? 1.25 : 0.8)
    }, { passive: false })
  }

  private rangeX(): [number, number] {
    const p = this.picture
    const t = p?.times
    if (p?.range !== undefined) return [p.range.from / 1000, p.range.to / 1000]
    if (p === null || t === undefined || t.length === 0) return [0, 60]
    const last = (t[t.length - 1] as number) / 1000
    const first = (t[0] as number) / 1000
    return [Math.max(last - p.span / 1000, Math.min(first, last - 60)), last]
  }

  private drawGrid(u: uPlot): void {
    const g = u.ctx
    const d = devicePixelRatio
    const { left, top, width, height } = u.bbox
    g.save()
    g.strokeStyle = `color-mix(in srgb, ${this.css('--text-3')} 22%, transparent)`
    g.lineWidth = d
    for (const v of this.ticks()) {
      const y = Math.round(u.valToPos(v, 'y', true)) + d / 2
      g.beginPath()
      g.moveTo(left, y)
      g.lineTo(left + width, y)
      g.stroke()
    }
    g.fillStyle = this.css('--line-2')
    g.fillRect(left, top + height, width, d)
    g.restore()
  }

  private ticks(): number[] {
    return [this.max / 2, this.max]
  }

  private drawWords(u: uPlot): void {
    const p = this.picture
    if (p === null) return
    const g = u.ctx
    const d = devicePixelRatio
    const { left, top, width, height } = u.bbox
    g.save()
    g.font = `${10 * d}px ${this.css('--font-ui')}`
    g.textBaseline = 'alphabetic'
    g.textAlign = 'left'
    const back = `color-mix(in srgb, ${this.css('--surface')} 78%, transparent)`
    for (const v of this.ticks()) {
      const text = p.format(v)
      const y = Math.round(u.valToPos(v, 'y', true))
      g.fillStyle = back
      g.fillRect(left, y + 2 * d, g.measureText(text).width + 4 * d, 12 * d)
      g.fillStyle = this.css('--text-3')
      g.fillText(text, left + 2 * d, y + 11 * d)
    }
    if (p.line !== undefined) {
      const y = Math.round(u.valToPos(p.line.value, 'y', true))
      g.strokeStyle = this.css(p.line.hue)
      g.lineWidth = 1.3 * d
      g.setLineDash([3 * d, 3 * d])
      g.beginPath()
      g.moveTo(left, y)
      g.lineTo(left + width, y)
      g.stroke()
      g.setLineDash([])
      if (p.line.label !== '') {
        const above = y - 4 * d > top + 8 * d
        g.fillStyle = back
        g.fillRect(left, above ? y - 14 * d : y + 2 * d, g.measureText(p.line.label).width + 4 * d, 12 * d)
        g.fillStyle = this.css(p.line.hue)
        g.fillText(p.line.label, left + 2 * d, above ? y - 4 * d : y + 11 * d)
      }
    }
    const [x0, x1] = this.rangeX()
    for (const gap of p.gaps ?? []) {
      const from = Math.max(left, u.valToPos(gap.from / 1000, 'x', true))
      const to = Math.min(left + width, u.valToPos((gap.to ?? x1 * 1000) / 1000, 'x', true))
      if (to - from < 1) continue
      g.save()
      g.beginPath()
      g.rect(from, top, to - from, height)
      g.clip()
      g.strokeStyle = this.css('--text-4')
      g.lineWidth = d
      for (let x = from - height; x < to; x += 6 * d) {
        g.beginPath()
        g.moveTo(x, top + height)
        g.lineTo(x + height, top)
        g.stroke()
      }
      g.restore()
    }
    g.textAlign = 'center'
    for (const t of ticks(x0 * 1000, x1 * 1000, width / (62 * d), p.zone)) {
      const x = u.valToPos(t.at / 1000, 'x', true)
      const text = p.tick(t)
      const half = g.measureText(text).width / 2
      if (x - half < left || x + half > left + width) continue
      g.fillStyle = this.css('--text-3')
      g.fillText(text, x, top + height + 12 * d)
    }
    if (p.at !== null && p.at !== undefined && p.at >= x0 * 1000 && p.at <= x1 * 1000) {
      g.fillStyle = this.css('--past')
      g.fillRect(Math.round(u.valToPos(p.at / 1000, 'x', true)), top - 4 * d, 1.5 * d, height + 4 * d)
    }
    g.restore()
  }
}
