// The drawing of the time bar: CPU as a silhouette, memory as a line, what happened above, gaps hatched, the window of the
// charts and the playhead.

import type { Range, View } from './clock'
import type { Strip } from './strip'
import type { Tick } from './time'

export const TOP = 17
const BELOW = 15
/** Room for half of the playhead at the right edge. */
const EDGE = 7

export interface Mark { at: number; kind: 'boot' | 'killed'; label: string }

export interface Scene {
  view: View
  step: number
  strip: Strip
  /** Where history begins; null: not known or none. */
  begins: number | null
  now: number
  marks: readonly Mark[]
  ticks: readonly Tick[]
  tick(t: Tick): string
  /** Under the pointer, x in px; null: it is elsewhere. */
  pointer: number | null
  /** What stands beside the pointer. */
  tell(at: number, cpu: number, mem: number): string
  words: { cpu: string; memory: string; beginsAt: string }
}

export function xOf(bar: Range, width: number, at: number): number {
  return ((at - bar.from) / (bar.to - bar.from)) * (width - EDGE)
}

export function atOf(bar: Range, width: number, x: number): number {
  return bar.from + (x / Math.max(1, width - EDGE)) * (bar.to - bar.from)
}

/** What a pointer takes hold of. */
export function holdOf(v: View, width: number, x: number, y: number, now: number): 'playhead' | 'from' | 'to' | 'window' | 'track' {
  const head = Math.abs(x - xOf(v.bar, width, v.at ?? now))
  if (head <= 6 && y < TOP + 2) return 'playhead'
  const from = Math.abs(x - xOf(v.bar, width, v.window.from))
  const to = Math.abs(x - xOf(v.bar, width, v.window.to))
  if (!v.sliding && to <= 4 && to < from) return 'to'
  if (from <= 4) return 'from'
  if (head <= 4) return 'playhead'
  if (!v.sliding && x > xOf(v.bar, width, v.window.from) && x < xOf(v.bar, width, v.window.to)) return 'window'
  return 'track'
}

const alpha = (colour: string, part: number): string => `color-mix(in srgb, ${colour} ${part * 100}%, transparent)`

export function drawTrack(canvas: HTMLCanvasElement, s: Scene): void {
  const width = canvas.clientWidth
  const height = canvas.clientHeight
  const d = devicePixelRatio
  if (width === 0 || height === 0) return
  if (canvas.width !== Math.round(width * d) || canvas.height !== Math.round(height * d)) {
    canvas.width = Math.round(width * d)
    canvas.height = Math.round(height * d)
  }
  const style = getComputedStyle(document.documentElement)
  const read = new Map<string, string>()
  const css = (name: string): string => {
    let v = read.get(name)
    if (v === undefined) {
      v = style.getPropertyValue(name).trim()
      read.set(name, v)
    }
    return v
  }
  const g = canvas.getContext('2d')
  if (g === null) return
  g.setTransform(d, 0, 0, d, 0, 0)
  g.clearRect(0, 0, width, height)
  const { bar, window: w } = s.view
  const past = s.view.at !== null
  const bottom = height - BELOW
  const x = (at: number): number => xOf(bar, width, at)
  const right = x(Math.min(bar.to, s.now))
  const begin = s.begins === null ? 0 : Math.max(0, Math.min(right, x(s.begins)))
  g.font = `10px ${css('--font-ui')}`
  g.textBaseline = 'alphabetic'

  // What there is, and where it begins: history fades out to the left.
  g.fillStyle = alpha(css('--line'), 0.5)
  g.fillRect(begin, TOP, Math.max(0, right - begin), bottom - TOP)
  if (begin > 2) {
    const fade = g.createLinearGradient(Math.max(0, begin - 36), 0, begin, 0)
    fade.addColorStop(0, 'transparent')
    fade.addColorStop(1, alpha(css('--line'), 0.5))
    g.fillStyle = fade
    g.fillRect(Math.max(0, begin - 36), TOP, Math.min(36, begin), bottom - TOP)
    const text = s.words.beginsAt
    if (text !== '' && begin > g.measureText(text).width + 44) {
      g.fillStyle = css('--text-3')
      g.textAlign = 'right'
      g.fillText(text, begin - 40, (TOP + bottom) / 2 + 3)
    }
  }

  // CPU up to its highest value (so that small machines and large ones have a shape), memory up to all of it.
  let most = 0.1
  s.strip.each(bar, s.step, (_, cpu) => { if (cpu > most) most = cpu })
  const one = Math.max(1, ((width - EDGE) * s.step) / (bar.to - bar.from))
  g.beginPath()
  s.strip.each(bar, s.step, (at, cpu) => {
    if (Number.isNaN(cpu)) return
    const h = Math.max(0.5, (Math.min(cpu, most) / most) * (bottom - TOP - 2))
    const left = Math.max(0, x(at))
    g.rect(left, bottom - h, Math.min(one - (one > 2 ? 0.5 : 0), right - left), h)
  })
  g.fillStyle = alpha(css('--cpu'), past ? 0.45 : 0.7)
  g.fill()
  g.beginPath()
  let pen = false
  s.strip.each(bar, s.step, (at, _, mem) => {
    if (Number.isNaN(mem)) {
      pen = false
      return
    }
    const px = Math.min(right, Math.max(0, x(at + s.step / 2)))
    const py = bottom - Math.min(1, mem) * (bottom - TOP - 2)
    if (pen) g.lineTo(px, py)
    else g.moveTo(px, py)
    pen = true
  })
  g.strokeStyle = alpha(css('--mem'), 0.85)
  g.lineWidth = 1.2
  g.stroke()

  for (const gap of s.strip.gaps(bar)) {
    const from = Math.max(0, x(gap.from))
    const wide = Math.max(2, Math.min(right, x(gap.to ?? s.now)) - from)
    g.save()
    g.beginPath()
    g.rect(from, TOP, wide, bottom - TOP)
    g.clip()
    g.clearRect(from, TOP, wide, bottom - TOP)
    g.strokeStyle = css('--text-4')
    g.lineWidth = 1
    for (let k = from - 50; k < from + wide + 50; k += 5) {
      g.beginPath()
      g.moveTo(k, bottom)
      g.lineTo(k + (bottom - TOP), TOP)
      g.stroke()
    }
    g.restore()
  }

  // Legend, unless the pointer has something to say.
  if (s.pointer === null) {
    let left = 0
    g.textAlign = 'left'
    for (const [word, hue, line] of [[s.words.cpu, '--cpu', false], [s.words.memory, '--mem', true]] as const) {
      g.fillStyle = css(hue)
      if (line) g.fillRect(left, 8.5, 9, 1.5)
      else g.fillRect(left, 6, 6, 6)
      g.fillStyle = css('--text-3')
      g.fillText(word, left + (line ? 13 : 10), 12.5)
      left += g.measureText(word).width + 26
    }
  }

  for (const m of s.marks) {
    if (m.at < bar.from || m.at > bar.to) continue
    const px = x(m.at)
    if (m.kind === 'boot') {
      g.strokeStyle = css('--text-3')
      g.lineWidth = 1
      g.setLineDash([2, 2])
      g.beginPath()
      g.moveTo(px, TOP - 6)
      g.lineTo(px, bottom)
      g.stroke()
      g.setLineDash([])
    } else {
      g.fillStyle = css('--note')
      g.beginPath()
      g.moveTo(px - 3.5, TOP - 3)
      g.lineTo(px + 3.5, TOP - 3)
      g.lineTo(px, TOP - 9.5)
      g.fill()
    }
  }

  // axis
  g.textAlign = 'center'
  for (const t of s.ticks) {
    const px = x(t.at)
    const text = s.tick(t)
    const half = g.measureText(text).width / 2
    g.fillStyle = css('--line-2')
    g.fillRect(px, bottom, 1, 3)
    if (px - half < 0 || px + half > width) continue
    g.fillStyle = css(past ? '--text-2' : '--text-3')
    g.fillText(text, px, height - 3)
  }

  // the window of the charts
  const from = x(w.from)
  const to = x(w.to)
  if (to > 0 && from < width) {
    const left = Math.max(0, from)
    const end = Math.min(width, Math.max(to, left + 2))
    g.fillStyle = alpha(css(past ? '--past' : '--text'), 0.1)
    g.fillRect(left, TOP - 1, end - left, bottom - TOP + 2)
    g.fillStyle = css(past ? '--past' : '--text-2')
    for (const px of s.view.sliding ? [from] : [from, to - 1.5]) {
      if (px < -2 || px > width) continue
      g.fillRect(px, TOP - 1, 1.5, bottom - TOP + 2)
      g.fillRect(px - 1.5, TOP + (bottom - TOP) / 2 - 6, 4.5, 12)
    }
  }

  // the playhead
  const px = x(s.view.at ?? s.now)
  g.fillStyle = css(past ? '--past' : '--ok')
  g.fillRect(px - 1, 2, 2, bottom - 1)
  g.beginPath()
  g.moveTo(px - 5, 0)
  g.lineTo(px + 5, 0)
  g.lineTo(px + 5, 5)
  g.lineTo(px, 10)
  g.lineTo(px - 5, 5)
  g.fill()

  // what is under the pointer
  if (s.pointer !== null) {
    const at = Math.floor(atOf(bar, width, s.pointer) / s.step) * s.step
    let cpu = Number.NaN
    let mem = Number.NaN
    s.strip.each({ from: at, to: at + 1 }, s.step, (_, c, m) => {
      cpu = c
      mem = m
    })
    const text = s.tell(atOf(bar, width, s.pointer), cpu, mem)
    g.fillStyle = alpha(css('--text'), 0.35)
    g.fillRect(Math.round(s.pointer), TOP - 1, 1, bottom - TOP + 2)
    const wide = g.measureText(text).width + 12
    const left = Math.max(0, Math.min(width - wide, s.pointer - wide / 2))
    g.fillStyle = css('--raised')
    g.strokeStyle = css('--line-2')
    g.lineWidth = 1
    g.beginPath()
    g.roundRect(left + 0.5, 0.5, wide - 1, 15, 3)
    g.fill()
    g.stroke()
    g.fillStyle = css('--text')
    g.textAlign = 'left'
    g.fillText(text, left + 6, 11.5)
  }
}
