// One requestAnimationFrame for the whole page: whatever has to be drawn asks here and is drawn once per frame.

const waiting = new Set<() => void>()
let asked = false

function run(): void {
  asked = false
  const now = [...waiting]
  waiting.clear()
  for (const fn of now) fn()
}

export function paint(fn: () => void): void {
  waiting.add(fn)
  if (asked) return
  asked = true
  requestAnimationFrame(run)
}

export function unpaint(fn: () => void): void {
  waiting.delete(fn)
}
