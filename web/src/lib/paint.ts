// One requestAnimationFrame for the whole page: whatever has to be drawn asks here and is drawn once per frame.
// When much has to be drawn at once, the rest waits for the next frame, so that no single task grows long.

/** Drawing time of one frame, after which the rest waits. */
const SLICE_MS = 10

/** What waits, and whether it draws a canvas. */
const waiting = new Map<() => void, boolean>()
let asked = false

function run(): void {
  asked = false
  const start = performance.now()
  for (const [fn, canvas] of waiting) {
    waiting.delete(fn)
    fn()
    // The pixels of a canvas are filled when the frame is handed over, which the clock here does not see: one a frame.
    if (canvas || performance.now() - start > SLICE_MS) break
  }
  if (waiting.size > 0) ask()
}

function ask(): void {
  if (asked) return
  asked = true
  requestAnimationFrame(run)
}

export function paint(fn: () => void, canvas = false): void {
  waiting.set(fn, canvas)
  ask()
}

export function unpaint(fn: () => void): void {
  waiting.delete(fn)
}
