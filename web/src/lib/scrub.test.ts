import { describe, expect, it } from 'vitest'
import { Scrub } from './scrub'
import type { Full } from './types'

const bar = { from: 1_000_000, to: 1_600_000 }

function strip(pixel = 1000): { s: Scrub; asked: number[]; answer: () => Promise<void> } {
  const asked: number[] = []
  const waiting: (() => void)[] = []
  const s = new Scrub(bar, pixel, (at) => new Promise((done) => {
    asked.push(at)
    waiting.push(() => { done({ at } as Full) })
  }))
  return { s, asked, answer: async () => {
    for (const w of waiting.splice(0)) w()
    await new Promise((r) => setTimeout(r, 0))
  } }
}

describe('the strip under a pointer', () => {
  it('asks for few frames at one time, ahead of the pointer', async () => {
    const { s, asked, answer } = strip()
    s.aim(1_300_000)
    s.aim(1_290_000)
    expect(asked).toEqual([1_300_000, 1_304_000, 1_308_000])
    await answer()
    // The pointer goes back in time: that is where it looks now.
    expect(asked.slice(3)).toEqual([1_290_000, 1_286_000, 1_282_000])
  })

  it('gives the nearest frame it holds, none that is far', async () => {
    const { s, answer } = strip()
    s.aim(1_300_000)
    expect(s.nearest(1_300_000)).toBeNull()
    await answer()
    expect(s.nearest(1_301_000)?.at).toBe(1_300_000)
    expect(s.nearest(1_303_000)?.at).toBe(1_304_000)
    expect(s.nearest(1_200_000)).toBeNull()
  })

  it('asks for nothing outside of what there is, and for nothing twice', async () => {
    const { s, asked, answer } = strip()
    for (let i = 0; i < 12; i += 1) {
      s.aim(bar.to)
      await answer()
    }
    expect(Math.max(...asked)).toBeLessThanOrEqual(bar.to)
    expect(new Set(asked).size).toBe(asked.length)
  })

  it('asks no more when it is stopped', async () => {
    const { s, asked, answer } = strip()
    s.aim(1_300_000)
    s.stop()
    await answer()
    expect(asked.length).toBe(3)
  })
})
