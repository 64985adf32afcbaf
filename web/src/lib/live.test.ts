import { beforeEach, describe, expect, it } from 'vitest'
import { Live, type Environment, type Socket } from './live'
import { RowStore } from './store'
import type { Problem } from './types'

class Fake implements Socket {
  sent: { type: string; [k: string]: unknown }[] = []
  closed = false
  onopen: (() => void) | null = null
  onmessage: ((e: { data: unknown }) => void) | null = null
  onclose: ((e: { code: number }) => void) | null = null
  send(text: string): void { this.sent.push(JSON.parse(text)) }
  close(): void { this.closed = true }
  say(m: unknown): void { this.onmessage?.({ data: JSON.stringify(m) }) }
}

class Clock implements Environment {
  time = 1000
  sockets: Fake[] = []
  timers: { id: number; at: number; fn: () => void }[] = []
  next = 1
  connect(): Socket { const f = new Fake(); this.sockets.push(f); return f }
  now(): number { return this.time }
  later(fn: () => void, ms: number): number { const id = this.next++; this.timers.push({ id, at: this.time + ms, fn }); return id }
  cancel(id: number): void { this.timers = this.timers.filter((t) => t.id !== id) }
  advance(ms: number): void {
    const end = this.time + ms
    for (;;) {
      const t = this.timers.filter((x) => x.at <= end).sort((a, b) => a.at - b.at)[0]
      if (t === undefined) break
      this.cancel(t.id)
      this.time = t.at
      t.fn()
    }
    this.time = end
  }
  get last(): Fake { return this.sockets.at(-1)! }
}

const rest = { at: 5, total: 1, matched: 1, host: {}, top: [], ended: [], pace: null, quarantined: 0 }
const frame = (seq: number): unknown => ({ type: 'full', seq, interval_ms: 1000, columns: ['pid'], rows: [[0, 'a', 1]], ...rest })
const sub = { q: '', sort: '-cpu', limit: 0, columns: ['pid'], top: { by: 'cpu', n: 6 } }

let clock: Clock
let live: Live
let problems: (Problem | null)[]
let gaps: number[]
let frames: number
beforeEach(() => {
  clock = new Clock()
  problems = []
  gaps = []
  frames = 0
  live = new Live('ws://x', new RowStore(() => false), {
    hello: () => undefined, frame: () => { frames += 1 }, state: () => undefined,
    gap: (n) => gaps.push(n), problem: (p) => problems.push(p),
  }, clock)
  live.subscribe(sub)
  live.open()
  clock.last.onopen?.()
})

describe('Live', () => {
  it('subscribes on opening, and again only when something differs', () => {
    expect(clock.last.sent).toHaveLength(1)
    live.subscribe({ ...sub })
    expect(clock.last.sent).toHaveLength(1)
    live.subscribe({ ...sub, q: 'cpu > 1.0' })
    expect(clock.last.sent[1]).toMatchObject({ type: 'subscribe', q: 'cpu > 1.0' })
  })

  it('is stale after three missed frames and fresh with the next', () => {
    clock.last.say(frame(1))
    clock.advance(2900)
    expect(live.stale).toBe(false)
    clock.advance(200)
    expect(live.stale).toBe(true)
    clock.last.say(frame(2))
    expect(live.stale).toBe(false)
  })

  it('comes back after 1 2 4 8 15 15 s and keeps the rows meanwhile', () => {
    clock.last.say(frame(1))
    const pauses = []
    for (let i = 0; i < 6; i += 1) {
      clock.last.onclose?.({ code: 1006 })
      expect(live.link).toBe('waiting')
      pauses.push((live.nextTry - clock.time) / 1000)
      expect(live.store.size).toBe(1)
      clock.advance(live.nextTry - clock.time)
      expect(live.link).toBe('connecting')
    }
    expect(pauses).toEqual([1, 2, 4, 8, 15, 15])
    clock.last.onopen?.()
    expect(clock.last.sent[0]).toMatchObject({ type: 'subscribe' })
    clock.last.say(frame(9))
    expect(live.attempt).toBe(0)
  })

  it('keeps the rows when a filter is wrong', () => {
    clock.last.say(frame(1))
    clock.last.say({ type: 'error', problem: { type: 'urn:procyon:bad-filter', title: 'x', status: 400 } })
    expect(problems.at(-1)?.type).toBe('urn:procyon:bad-filter')
    expect(live.store.size).toBe(1)
    clock.last.say(frame(2))
    expect(problems.at(-1)).toBeNull()
  })

  it('falls back to the last good filter when a new connection starts with a wrong one', () => {
    const bad = { type: 'error', problem: { type: 'urn:procyon:bad-filter', title: 'x', status: 400 } }
    live.subscribe({ ...sub, q: 'nam' })
    clock.last.say(bad)
    expect(clock.last.sent.at(-1)).toMatchObject({ type: 'subscribe', q: '' })
    clock.last.say(frame(1))
    expect(problems.at(-1)?.title).toBe('x')
    live.subscribe({ ...sub, q: 'name' })
    clock.last.say(frame(2))
    expect(problems.at(-1)).toBeNull()
    live.subscribe({ ...sub, q: 'nope' })
    clock.last.say(bad)
    const n = clock.last.sent.length
    clock.last.say(frame(3))
    expect(clock.last.sent).toHaveLength(n)
  })

  it('asks for a full frame when a delta does not follow', () => {
    clock.last.say(frame(1))
    clock.last.say({ type: 'delta', seq: 4, base: 3, add: [], set: [], gone: [], ...rest })
    expect(clock.last.sent).toHaveLength(2)
    expect(frames).toBe(1)
  })

  it('reports gaps, pauses when hidden, ignores rubbish', () => {
    clock.last.say({ type: 'gap', missed: 3 })
    expect(gaps).toEqual([3])
    live.pause(true)
    live.pause(true)
    live.pause(false)
    expect(clock.last.sent.slice(1).map((m) => m.type)).toEqual(['pause', 'resume'])
    clock.last.onmessage?.({ data: 'not json' })
  })

  it('closes for good', () => {
    const s = clock.last
    live.close()
    expect(s.closed).toBe(true)
    clock.advance(60_000)
    expect(clock.sockets).toHaveLength(1)
  })
})
