// The lines of a trace on the screen: a column that only grows, of which those in sight are in the document.

import { tint } from './tint'
import { textOf, type Line } from './watch'

const HEIGHT = 20
/** Rows in the document at most. */
const MOST = 120
/** How long a scroll that has begun may go on, ms: when lines are followed again, the end of an earlier one is no reader who leaves. */
const SETTLE = 250

export interface Look {
  time(ms: number): string
  duration(seconds: number): string
  /** Whether it took longer than calls of its name do. */
  slow(l: Line): boolean
  /** What stands where lines are missing. */
  lost(l: Line): string
}

interface Row { el: HTMLElement; time: Text; tid: Text; call: HTMLElement; result: HTMLElement; took: HTMLElement; bar: HTMLElement; spent: Text }

export class Well {
  private readonly body = document.createElement('div')
  private readonly rows: Row[] = []
  private lines: readonly Line[] = []
  private look: Look | null = null
  private follows = true
  /** Where it was put when it last followed. */
  private foot = 0
  /** From when on a scroll counts. */
  private from = 0
  private readonly observer: ResizeObserver

  /** `away` is called when the reader scrolls away from the newest line. */
  constructor(private readonly root: HTMLElement, away: () => void, draw: () => void) {
    root.append(this.body)
    root.addEventListener('scroll', () => {
      // Only a reader scrolls up to where it is not the foot, by a key as little as by a wheel; fewer lines move the foot itself.
      if (this.follows && performance.now() > this.from && root.scrollTop < this.foot - 1 && root.scrollTop < root.scrollHeight - root.clientHeight - 1) away()
      draw()
    }, { passive: true })
    this.observer = new ResizeObserver(draw)
    this.observer.observe(root)
  }

  destroy(): void {
    this.observer.disconnect()
  }

  show(lines: readonly Line[], follows: boolean, look: Look): void {
    this.lines = lines
    if (follows && !this.follows) this.from = performance.now() + SETTLE
    this.follows = follows
    this.look = look
  }

  draw(): void {
    const look = this.look
    const room = this.root.clientHeight
    if (look === null || room === 0) return
    const n = this.lines.length
    this.body.style.height = `${Math.max(n * HEIGHT, room)}px`
    if (this.follows) {
      this.root.scrollTop = n * HEIGHT
      this.foot = this.root.scrollTop
    }
    // The newest line stands at the foot also while there are few.
    const top = Math.max(0, room - n * HEIGHT)
    const first = Math.max(0, Math.floor(this.root.scrollTop / HEIGHT))
    const many = Math.min(MOST, Math.ceil(room / HEIGHT) + 1, n - first)
    while (this.rows.length < many) this.rows.push(this.make())
    this.rows.forEach((r, i) => {
      const l = i < many ? this.lines[first + i] : undefined
      r.el.hidden = l === undefined
      if (l === undefined) return
      r.el.style.transform = `translateY(${top + (first + i) * HEIGHT}px)`
      this.paint(r, l, look)
    })
  }

  private make(): Row {
    const el = document.createElement('div')
    const cell = (cls: string): HTMLElement => {
      const s = document.createElement('span')
      s.className = cls
      el.append(s)
      return s
    }
    const text = (into: HTMLElement): Text => into.appendChild(document.createTextNode(''))
    const [time, tid, call, result, took] = [cell('t3'), cell('t3'), cell('t2'), cell('t2'), cell('d')]
    const bar = took.appendChild(document.createElement('i'))
    this.body.append(el)
    return { el, time: text(time), tid: text(tid), call, result, took, bar, spent: text(took) }
  }

  private paint(r: Row, l: Line, look: Look): void {
    const lost = l.lost !== undefined
    const slow = look.slow(l)
    r.el.className = `ln${lost ? ' gone' : l.error !== undefined ? ' err' : slow ? ' slow' : ''}`
    r.time.data = look.time(l.at)
    r.tid.data = l.tid === 0 ? '' : String(l.tid)
    if (l.name !== undefined) {
      const part = (cls: string, text: string): HTMLElement => {
        const s = document.createElement('span')
        s.className = `tint-${cls}`
        s.textContent = text
        return s
      }
      // Before a whole path, a directory says nothing; a file before what is written to it does.
      const args = (l.args ?? '').replace(/(?:at2?|statx)$/.test(l.name) ? /<[^<>]*>(?=, "\/)/g : /(?<=AT_FDCWD)<[^<>]*>(?=, "\/)/g, '')
      r.call.replaceChildren(part('n', l.name), '(', ...tint(args).map(([cls, text]) => (cls === '' ? text : part(cls, text))), ')')
    } else r.call.textContent = lost ? look.lost(l) : textOf(l)
    r.call.title = lost ? '' : textOf(l)
    // What the error means stands in the list of errors.
    r.result.textContent = l.result === undefined ? '' : `= ${l.error === undefined ? l.result : l.result.replace(/ \(.*/, '')}`
    r.spent.data = l.duration === undefined ? '' : look.duration(l.duration)
    r.took.className = slow ? 'd c-note' : 'd'
    // Each factor of ten is a fifth of the width.
    r.bar.style.width = l.duration === undefined ? '0' : `${Math.max(4, Math.min(100, 8 + Math.log10(l.duration * 1e6) * 20))}%`
  }
}
