// What a trace has told: the newest lines and the slowest calls.

import type { Line } from './watch'

/** Lines that are kept. */
export const KEPT = 5000
/** Slow calls that are kept. */
const SLOWEST = 5

export class Feed {
  /** The newest lines, oldest first. */
  lines: Line[] = []
  /** Lines there have been in all. */
  total = 0
  slowest: Line[] = []

  add(batch: readonly Line[]): void {
    for (const l of batch) {
      // Some events say nothing: a thread got another number.
      if (l.line === '' && l.lost === undefined) continue
      this.lines.push(l)
      this.total += 1
      const slowest = this.slowest[SLOWEST - 1]
      if (l.duration !== undefined && (slowest === undefined || l.duration > (slowest.duration ?? 0))) {
        this.slowest = [...this.slowest, l].sort((a, b) => (b.duration ?? 0) - (a.duration ?? 0)).slice(0, SLOWEST)
      }
    }
    if (this.lines.length > KEPT) this.lines = this.lines.slice(-KEPT)
  }

  /** Messages that the page was too slow for are missing here, or calls that were too many for it. */
  missing(kind: 'missed' | 'skipped', lost: number, at: number): void {
    this.add([{ at, pid: 0, tid: 0, kind, line: '', lost }])
  }
}
