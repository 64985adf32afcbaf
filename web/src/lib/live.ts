// The live connection: subscribes, applies frames, notices silence, comes back by itself.

import { RowStore } from './store'
import type { Delta, Full, Hello, Problem, ServerMessage, Subscription } from './types'

/** Pauses between attempts, seconds; the last one repeats. */
export const BACK_OFF = [1, 2, 4, 8, 15] as const
/** Frames that may be missing before the data counts as stale. */
export const STALE_FRAMES = 3

export type Link = 'connecting' | 'open' | 'waiting' | 'closed'

export interface Socket {
  send(text: string): void
  close(): void
  onopen: (() => void) | null
  onmessage: ((e: { data: unknown }) => void) | null
  onclose: ((e: { code: number }) => void) | null
}

export interface Environment {
  connect(url: string): Socket
  now(): number
  later(fn: () => void, ms: number): number
  cancel(id: number): void
}

export interface LiveEvents {
  hello(h: Hello): void
  frame(f: Full | Delta): void
  /** The connection's state changed: link, stale, attempt, next try. */
  state(): void
  gap(missed: number): void
  problem(p: Problem | null): void
}

const browser: Environment = {
  connect: (url) => new WebSocket(url) as unknown as Socket,
  now: () => Date.now(),
  later: (fn, ms) => window.setTimeout(fn, ms),
  cancel: (id) => { window.clearTimeout(id) },
}

export class Live {
  link: Link = 'closed'
  /** How often the connection has failed since the last frame. */
  attempt = 0
  /** Local time of the next attempt while `waiting`. */
  nextTry = 0
  stale = false
  interval = 1000
  /** Local time of the last frame; 0: none yet. */
  lastFrame = 0
  /** Server time of the data on the screen. */
  at = 0
  readonly store: RowStore

  private readonly url: string
  private readonly events: LiveEvents
  private readonly env: Environment
  private socket: Socket | null = null
  private subscription: Subscription | null = null
  private sent = ''
  /** The filter of the newest frames; what a new connection falls back to when the wanted one is wrong. */
  private goodFilter = ''
  private answered = false
  private fallback = false
  private paused = false
  private retryTimer = 0
  private staleTimer = 0

  constructor(url: string, store: RowStore, events: LiveEvents, env: Environment = browser) {
    this.url = url
    this.store = store
    this.events = events
    this.env = env
  }

  /** Connects; also again, after `close`. */
  open(): void {
    this.attempt = 0
    this.stale = false
    this.lastFrame = 0
    this.connect()
  }

  close(): void {
    this.link = 'closed'
    this.stale = false
    this.env.cancel(this.retryTimer)
    this.env.cancel(this.staleTimer)
    const s = this.socket
    this.socket = null
    if (s !== null) {
      s.onclose = null
      s.onmessage = null
      s.close()
    }
  }

  /** Sends the subscription when it differs from the one that runs. */
  subscribe(s: Subscription): void {
    this.subscription = s
    if (this.link === 'open') this.sendSubscription(false)
  }

  /** A hidden tab asks for one frame in ten seconds. */
  pause(on: boolean): void {
    if (this.paused === on) return
    this.paused = on
    if (this.link === 'open') this.socket?.send(JSON.stringify({ type: on ? 'pause' : 'resume' }))
    this.armStale()
  }

  retryNow(): void {
    if (this.link !== 'waiting') return
    this.env.cancel(this.retryTimer)
    this.connect()
  }

  private connect(): void {
    this.link = 'connecting'
    this.events.state()
    const s = this.env.connect(this.url)
    this.socket = s
    s.onopen = () => {
      if (this.socket !== s) return
      this.link = 'open'
      this.answered = false
      this.sendSubscription(true)
      if (this.paused) s.send(JSON.stringify({ type: 'pause' }))
      this.events.state()
      this.armStale()
    }
    s.onmessage = (e) => {
      if (this.socket === s) this.receive(String(e.data))
    }
    s.onclose = () => {
      if (this.socket !== s) return
      this.socket = null
      this.lost()
    }
  }

  private lost(): void {
    const pause = BACK_OFF[Math.min(this.attempt, BACK_OFF.length - 1)] as number
    this.attempt += 1
    this.link = 'waiting'
    this.nextTry = this.env.now() + pause * 1000
    this.retryTimer = this.env.later(() => { this.connect() }, pause * 1000)
    this.events.state()
  }

  private sendSubscription(always: boolean): void {
    if (this.subscription === null || this.socket === null) return
    const text = JSON.stringify({ type: 'subscribe', ...this.subscription })
    if (!always && text === this.sent) return
    this.sent = text
    this.fallback = false
    this.socket.send(text)
  }

  private receive(text: string): void {
    let m: ServerMessage
    try {
      m = JSON.parse(text) as ServerMessage
    } catch {
      return
    }
    switch (m.type) {
      case 'hello':
        this.interval = m.host.interval_ms
        this.events.hello(m)
        break
      case 'full':
        this.interval = m.interval_ms
        this.store.full(m, this.env.now())
        this.answered = true
        // Rows of the fall-back say nothing about the filter that was refused.
        if (!this.fallback) {
          this.goodFilter = this.subscription?.q ?? ''
          this.events.problem(null)
        }
        this.arrived(m)
        break
      case 'delta':
        if (this.store.delta(m, this.env.now(), (this.subscription?.q ?? '') !== '')) this.arrived(m)
        else this.sendSubscription(true)
        break
      case 'gap':
        this.events.gap(m.missed)
        break
      case 'error':
        this.events.problem(m.problem)
        // The server keeps the last subscription that was valid; a new connection has none.
        if (!this.answered && !this.fallback && this.subscription !== null && this.subscription.q !== '' && this.socket !== null) {
          const q = this.goodFilter === this.subscription.q ? '' : this.goodFilter
          this.fallback = true
          this.socket.send(JSON.stringify({ type: 'subscribe', ...this.subscription, q }))
        }
        break
    }
  }

  private arrived(m: Full | Delta): void {
    this.at = m.at
    this.lastFrame = this.env.now()
    this.attempt = 0
    const was = this.stale
    this.stale = false
    this.armStale()
    this.events.frame(m)
    if (was) this.events.state()
  }

  private armStale(): void {
    this.env.cancel(this.staleTimer)
    if (this.lastFrame === 0 || this.link === 'closed') return
    const pace = this.paused ? Math.max(10_000, this.interval) : this.interval
    this.staleTimer = this.env.later(() => {
      this.stale = true
      this.events.state()
    }, STALE_FRAMES * pace)
  }
}
