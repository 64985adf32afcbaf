// One host as the page sees it: the live connection with its rows, the charts' past, the slower lists, the health.
// Rows and points are plain arrays; `version` is the one signal that a frame has come.

import { untrack } from 'svelte'
import { app } from './app.svelte'
import { get, hostPath, wsUrl, problemOf } from './api'
import { BANDS, Bands, HOST_FIGURES, METRICS, type Metric } from './bands'
import { isText } from './figures'
import { readClock, viewOf, writeClock, type Clock, type View } from './clock'
import { Live, type Link } from './live'
import type { Past, PastFrame } from './past'
import { router } from './router.svelte'
import type { Scrub } from './scrub'
import { RowStore, SPARK } from './store'
import type { Ended, Figures, Full, Delta, Gap, Health, History, Host, List, Problem, Row, SeriesAnswer, Subscription, Value } from './types'

const LISTS_MS = 5000
const LISTS_SHOWN_MS = 2000
const HEALTH_MS = 10_000
/** Frames of the past follow a pointer at most this often. */
const SCRUB_MS = 100
/** The pointer rests when it has not moved for this long: then charts and sparklines follow as well. */
const REST_MS = 120
/** Pixels of the time bar for which the strip has a frame each. */
const STRIP_PIXELS = 900
/** Data that is not there after this long is drawn as old. */
const LATE_MS = 500
/** Rows that get a sparkline in the past. */
const PAST_SPARKS = 60
/** Ended processes remembered; more in a minute are only counted so far. */
export const ENDED_KEPT = 2000
/** Who lived shorter than this may never have been seen in the table. */
export const SHORT_MS = 10_000
/** What the ring of a process keeps; only these have a past for the sparkline. */
const RING = new Set(['cpu', 'cpu_user', 'cpu_sys', 'rss', 'read', 'write', 'rx', 'tx', 'runq', 'majflt', 'minflt', 'threads', 'fds'])

let sessions = 0

export class HostSession {
  /** Rises with every frame. */
  version = $state(0)
  link = $state<Link>('connecting')
  stale = $state(false)
  attempt = $state(0)
  nextTry = $state(0)
  /** Server time of the data on the screen. */
  at = $state(0)
  interval = $state(1000)
  host = $state.raw<Host | null>(null)
  figures = $state.raw<Record<string, Value>>({})
  total = $state(0)
  matched = $state(0)
  pace = $state<string | null>(null)
  quarantined = $state(0)
  /** A filter the server refused; the rows are those of the last good one. */
  problem = $state.raw<Problem | null>(null)
  loaded = $state(false)
  lists = $state.raw<Figures | null>(null)
  health = $state.raw<Health | null>(null)
  ended = $state.raw<Ended[]>([])
  connectionCount = $state<number | null>(null)
  fatal = $state.raw<Problem | null>(null)
  /** Which instant and which ranges are shown. */
  view = $state.raw<View>(viewOf(null, { at: null, span: null, window: null }, Date.now(), { on: false, from: null }))
  /** What is kept of the past; null: not known yet. */
  history = $state.raw<History | null>(null)
  /** Charts of a window that stands still; null: those of the live connection. */
  still = $state.raw<Bands | null>(null)
  /** The instant that is shown lies in this gap: the rows are those of the last frame before it. */
  gap = $state.raw<Gap | null>(null)
  /** Why the wanted instant cannot be shown. */
  pastProblem = $state.raw<Problem | null>(null)
  /** What the top consumers of a chosen range are ranked by. */
  topBy = $state<Metric>('cpu')
  /** The wanted instant has not come yet. */
  late = $state(false)

  /** Tells this session from others of the same host. */
  readonly serial: number
  readonly store: RowStore
  readonly bands: Bands
  readonly name: string
  private readonly live: Live
  private subscription: Subscription | null = null
  private listTimer = 0
  private healthTimer = 0
  private listsShown = false
  private closed = false
  private seeded = ''
  private asked = new Set<string>()
  private askTimer = 0
  private past: Past | null = null
  private wanted: number | null = null
  private fetching = false
  private opened = false
  private mode: 'none' | 'live' | 'past' = 'none'
  /** Server time of the newest live frame since the page is live. */
  private frameAt = 0
  private stillFor = ''
  private stillAbort: AbortController | null = null
  private restTimer = 0
  private historyTimer = 0
  /** How far the clock of the server is ahead of this one, ms. */
  private skew = 0
  /** What a pointer is moving, before the address says so. */
  private draft: Partial<Clock> = {}
  /** How many rows the table of processes has in sight from its top on, 0 for all; null: no such table is on the screen. */
  depth: (() => number) | null = null
  private scrub: Scrub | null = null
  private scrubTimer = 0
  private scrubbedAt = 0
  private steps = 0
  private stepping = false
  /** Rises with every move of the clock; an answer to a step that comes after another move is too late. */
  private moves = 0

  constructor(name: string) {
    this.name = name
    sessions += 1
    this.serial = sessions
    this.store = new RowStore((id) => {
      const x = app.catalogue.get('process', id)
      return x === undefined ? id === 'name' || id === 'cmd' : isText(x)
    })
    this.bands = new Bands((key) => { this.askPast(key) })
    this.live = new Live(wsUrl(`${hostPath(name)}/live`), this.store, {
      hello: (h) => {
        this.host = h.host
        app.cpus = h.host.cpus ?? 1
        // The role may have changed while the page was open (a token was revoked, the server restarted).
        if (h.role !== app.session.role || h.read_only !== app.session.read_only) app.session = { ...app.session, role: h.role, read_only: h.read_only }
      },
      frame: (f) => { this.frame(f) },
      state: () => { this.state() },
      gap: (n) => { app.toast(app.t('gap', { n }), 'warn') },
      problem: (p) => { this.problem = p },
    })
  }

  async open(): Promise<void> {
    this.host = app.hosts.find((h) => h.id === this.name || h.name === this.name || h.aliases.includes(this.name)) ?? null
    app.cpus = this.host?.cpus ?? 1
    document.addEventListener('visibilitychange', this.visibility)
    const known = this.readHistory()
    // A link into the past does not show the present first.
    if (router.params.has('at')) await known
    if (this.closed) return
    this.opened = true
    this.turn()
    this.pollLists()
    this.pollHealth()
    if (this.view.at !== null) return
    try {
      const ended = await get<List<Ended> | Ended[]>(`${hostPath(this.name)}/ended`, { from: '-1m' })
      const items = Array.isArray(ended) ? ended : ended.items
      if (this.mode !== 'live') return
      this.ended = [...items, ...this.ended.filter((e) => !items.some((x) => x.key === e.key))]
      this.version += 1
    } catch {
      // Whoever may not know what ended sees those that end from now on.
    }
  }

  // ---- the clock ----

  /** Time of the server. */
  now(): number {
    return Date.now() + this.skew
  }

  get inPast(): boolean {
    return this.view.at !== null
  }

  /** The charts on the screen. */
  get charts(): Bands {
    return this.still ?? this.bands
  }

  /** Whether controls work: only on what is now. */
  get acting(): boolean {
    return app.operator && this.view.at === null
  }

  private async readHistory(): Promise<void> {
    try {
      const h = await get<History>(`${hostPath(this.name)}/history`)
      this.skew = h.at - Date.now()
      this.history = h
      // A program that has just been started has something to go back to in a moment.
      if (h.state === 'on' && h.from === null && !this.closed) {
        clearTimeout(this.historyTimer)
        this.historyTimer = window.setTimeout(() => { void this.readHistory() }, 2000)
      }
    } catch (e) {
      // A server that keeps none, or that is older than this page.
      if (problemOf(e).status === 404) this.history = { at: this.now(), state: 'off', reason: null, from: null, to: null, interval_ms: 1000, bytes: 0, limit_bytes: null, retention_s: null, missed: 0, lost: 0 }
    }
    if (!this.closed) this.turn()
  }

  /** The address of what is on the screen, pinned to its instant also while live. */
  pinned(): string {
    const v = this.view
    if (this.history === null || this.history.state === 'off' || this.at === 0) return location.href
    const clock = writeClock({ at: v.at ?? this.at, window: v.window }, router.zone)
    return location.origin + router.link(location.pathname, { ...Object.fromEntries(router.params), ...clock })
  }

  /** The parameter of an instant. */
  stampOf(at: number | null): { at: string | undefined } {
    return { at: writeClock({ at }, router.zone).at }
  }

  /** Something of the clock is being moved; the address follows when it rests. */
  drag(part: Partial<Clock>): void {
    this.draft = { ...this.draft, ...part }
    this.turn()
  }

  /** Moves the clock; the address says so. */
  go(part: Partial<Clock>): void {
    this.draft = {}
    this.moves += 1
    router.turn(writeClock(part, router.zone))
    this.turn()
  }

  /** Asks once more for the instant that could not be shown. */
  again(): void {
    this.wanted = this.view.at
    void this.fetchPast()
  }

  /** Ends a drag: what was moved becomes the address. */
  drop(): void {
    clearTimeout(this.scrubTimer)
    const scrubbed = this.scrub !== null || this.scrubbedAt > 0
    this.scrub?.stop()
    this.scrub = null
    this.scrubbedAt = 0
    if (Object.keys(this.draft).length > 0) this.go(this.draft)
    if (scrubbed && this.view.at !== null) this.again()
  }

  /** The pointer that drags the playhead is here: rows of the strip at once, the exact frame when it rests. */
  private scrubTo(at: number): void {
    clearTimeout(this.scrubTimer)
    this.scrubTimer = window.setTimeout(() => { this.again() }, REST_MS)
    const s = this.subscription
    const now = performance.now()
    if (s === null || now - this.scrubbedAt < SCRUB_MS) return
    this.scrubbedAt = now
    const strip = this.scrub
    if (strip === null) {
      void this.openStrip(s, at)
      return
    }
    strip.aim(at)
    const rows = strip.nearest(at)
    if (rows !== null) this.showRows(rows, s)
  }

  private async openStrip(s: Subscription, at: number): Promise<void> {
    const [{ Past }, { Scrub }] = await Promise.all([import('./past'), import('./scrub')])
    if (this.scrub !== null || this.draft.at === undefined || this.closed) return
    const past = (this.past ??= new Past(this.name))
    const bar = { from: Math.max(this.view.bar.from, this.history?.from ?? 0), to: Math.min(this.view.bar.to, this.now()) }
    this.scrub = new Scrub(bar, (this.view.bar.to - this.view.bar.from) / STRIP_PIXELS, (t, signal) => past.rows(t, s, this.depth?.() ?? 0, signal))
    this.scrub.aim(at)
  }

  /** Shows what the address asks for. Cheap when nothing changed. */
  turn(): void {
    if (this.opened && !this.closed) untrack(() => { this.turnTo({ ...readClock(router.params, this.now()), ...this.draft }) })
  }

  private turnTo(asked: Clock): void {
    const before = this.view
    const extent = { on: this.history !== null && this.history.state !== 'off', from: this.history?.from ?? null }
    this.view = viewOf(before, asked, this.frameAt > 0 && asked.at === null ? this.frameAt : this.now(), extent)
    const at = this.view.at
    if (at === null) {
      if (this.mode !== 'live') this.toLive()
    } else if (this.mode !== 'past' || at !== before.at) {
      if (this.mode !== 'past') this.toPast()
      if (this.draft.at !== undefined && this.depth !== null && this.subscription?.view === undefined) {
        this.scrubTo(at)
      } else {
        this.wanted = at
        void this.fetchPast()
      }
    }
    this.chartsFor()
  }

  private toLive(): void {
    this.mode = 'live'
    this.wanted = null
    this.frameAt = 0
    this.gap = null
    this.pastProblem = null
    this.late = false
    this.seeded = ''
    this.store.forgetSparks('')
    this.ended = []
    document.body.classList.remove('past')
    // What the charts held before ends where the view was rewound: they begin anew with what the server remembers.
    this.bands.clear()
    this.stillFor = ''
    if (this.live.link === 'closed') this.live.open()
    this.seedCharts()
  }

  private toPast(): void {
    this.mode = 'past'
    this.live.close()
    this.state()
    this.problem = null
    document.body.classList.add('past')
  }

  /** Fetches the wanted frame; while one is on its way only the newest wish is remembered. */
  private async fetchPast(): Promise<void> {
    if (this.fetching) return
    this.fetching = true
    const late = window.setInterval(() => { this.late = true }, LATE_MS)
    while (this.wanted !== null && !this.closed) {
      const at = this.wanted
      const s = this.subscription
      const began = performance.now()
      this.wanted = null
      if (s !== null) {
        try {
          this.past ??= new (await import('./past')).Past(this.name)
          const frame = await this.past.frame(at, s)
          if (this.view.at !== null && !this.closed && (this.draft.at === undefined || at === this.view.at)) this.show(frame, s)
        } catch (e) {
          const p = problemOf(e)
          if (this.view.at !== null && !this.closed) {
            // A filter with a mistake leaves the rows of the last good one.
            if (p.status === 400 && p.span !== undefined) this.problem = p
            else this.pastProblem = p
          }
        }
      }
      await new Promise((done) => setTimeout(done, Math.max(0, SCRUB_MS - (performance.now() - began))))
    }
    clearInterval(late)
    this.late = false
    this.fetching = false
    if (this.view.at === null || this.closed) return
    clearTimeout(this.restTimer)
    this.restTimer = window.setTimeout(() => { this.rested() }, REST_MS)
  }

  private show(p: PastFrame, s: Subscription): void {
    this.problem = null
    this.pastProblem = null
    this.gap = p.gap
    this.figures = p.full.host
    this.lists = p.figures
    this.pace = null
    this.quarantined = 0
    this.loaded = true
    this.fatal = null
    this.showRows(p.full, s)
  }

  private showRows(f: Full, s: Subscription): void {
    this.late = false
    this.at = f.at
    this.store.full(f)
    this.store.forgetSparks(s.sort.replace(/^-/, ''))
    this.total = f.total
    this.matched = f.matched
    this.version += 1
  }

  /** What is shown of a past instant beside rows and figures: it may come a little later. */
  private rested(): void {
    const past = this.past
    const at = this.at
    if (past === null || this.view.at === null || this.pastProblem !== null || at === 0) return
    const mine = (): boolean => this.at === at && this.view.at !== null && !this.closed
    this.seedSparks((this.subscription?.sort ?? '-cpu').replace(/^-/, ''), true)
    if (app.session.role === 'anonymous') return
    void past.ended(at).then((e) => { if (mine()) this.ended = e }).catch(() => { if (mine()) this.ended = [] })
    void get<List<Row>>(`${hostPath(this.name)}/connections`, { limit: 1, at: String(at) })
      .then((c) => { if (mine()) this.connectionCount = c.total })
      .catch(() => { if (mine()) this.connectionCount = null })
  }

  /** Fetches the charts of a window that stands still, when it has changed and nobody is moving it. */
  private chartsFor(): void {
    const v = this.view
    if (v.sliding) {
      this.stillAbort?.abort()
      const wide = v.window.to - v.window.from
      if (Math.abs(this.bands.range - wide) > 1 || this.stillFor !== '') {
        this.stillFor = ''
        this.bands.reach(wide)
        this.seedCharts()
      }
      return
    }
    if (Object.keys(this.draft).length > 0) return
    const by = metricOf(this.subscription?.sort ?? '-cpu')
    const id = `${v.window.from} ${v.window.to} ${by}`
    if (id === this.stillFor) return
    this.stillFor = id
    this.stillAbort?.abort()
    const abort = new AbortController()
    this.stillAbort = abort
    void (async () => {
      this.past ??= new (await import('./past')).Past(this.name)
      const bands = await this.past.charts(v.window, by, abort.signal)
      bands.window = v.window
      if (abort.signal.aborted || this.closed) return
      this.still = bands
      this.version += 1
    })().catch(() => {
      if (!abort.signal.aborted) this.stillFor = ''
    })
  }

  /** Older points for live charts, in front of those that came since. Charts that stood still stay until then. */
  private seedCharts(): void {
    const wide = this.bands.range
    const seconds = Math.max(2, Math.ceil(wide / 450_000))
    void get<SeriesAnswer>(`${hostPath(this.name)}/series`, { scope: 'host', columns: HOST_FIGURES.join(','), from: `-${Math.round(wide / 1000)}s`, step: `${seconds}s` })
      .then((a) => { this.bands.seed(a) })
      .catch(() => undefined)
      .finally(() => {
        if (!this.view.sliding) return
        this.still = null
        this.version += 1
      })
  }

  /** One frame back or on from what is shown; several that follow each other at once are one question. */
  step(by: number): void {
    if (this.history === null || this.history.state === 'off') return
    this.steps += by
    if (this.stepping) return
    this.stepping = true
    void (async () => {
      while (this.steps !== 0 && !this.closed) {
        const by = this.steps
        this.steps = 0
        const from = this.view.at ?? this.at
        const moves = this.moves
        try {
          const a = await get<{ at: number }>(`${hostPath(this.name)}/step`, { at: String(Math.round(from)), by })
          if (moves !== this.moves) continue
          // On from the newest frame of all is now.
          if (by > 0 && (this.view.at === null || a.at <= from)) this.go({ at: null })
          else this.go({ at: a.at })
        } catch (e) {
          app.toast(app.problemText(problemOf(e)), 'warn')
          this.steps = 0
        }
      }
      this.stepping = false
    })()
  }
  close(): void {
    this.closed = true
    document.removeEventListener('visibilitychange', this.visibility)
    clearTimeout(this.listTimer)
    clearTimeout(this.healthTimer)
    clearTimeout(this.askTimer)
    clearTimeout(this.restTimer)
    clearTimeout(this.scrubTimer)
    this.scrub?.stop()
    clearTimeout(this.historyTimer)
    this.stillAbort?.abort()
    document.body.classList.remove('past')
    this.live.close()
  }

  want(s: Subscription): void {
    const same = JSON.stringify(s) === JSON.stringify(this.subscription)
    this.subscription = s
    this.bands.rank(metricOf(s.sort))
    this.live.subscribe(s)
    if (!same) untrack(() => { this.wantNow(s) })
  }

  private wantNow(s: Subscription): void {
    if (!this.opened) return
    if (this.view.at === null) {
      this.seedSparks(s.sort.replace(/^-/, ''))
    } else {
      this.wanted = this.view.at
      void this.fetchPast()
    }
    this.chartsFor()
  }

  /** How many of those that ended lived only for a moment. */
  get shortLived(): number {
    return this.ended.reduce((n, e) => (e.start !== undefined && e.at !== undefined && e.at - e.start < SHORT_MS ? n + 1 : n), 0)
  }

  retry(): void {
    this.live.retryNow()
  }

  /** A tab that shows the slow lists wants them sooner. */
  showLists(on: boolean): void {
    this.listsShown = on
    if (on) {
      clearTimeout(this.listTimer)
      this.pollLists()
    }
  }

  get filtered(): boolean {
    return (this.subscription?.q ?? '') !== ''
  }

  private readonly visibility = (): void => {
    this.live.pause(document.hidden)
  }

  private state(): void {
    this.link = this.live.link
    this.attempt = this.live.attempt
    this.nextTry = this.live.nextTry
    this.stale = this.live.stale
  }

  /** What is on the screen is old, or about to be replaced. */
  get dim(): boolean {
    return this.stale || this.late
  }

  private frame(f: Full | Delta): void {
    if (this.mode !== 'live') return
    this.at = f.at
    this.frameAt = f.at
    this.skew = f.at - Date.now()
    this.interval = this.live.interval
    this.stale = false
    if (this.link !== 'open' || this.attempt !== 0) this.state()
    this.figures = f.host
    this.total = f.total
    this.matched = f.matched
    this.pace = f.pace
    this.quarantined = f.quarantined
    this.bands.frame(f.at, f.host, f.top, (key, metric) => {
      const slot = this.store.slot(key)
      return slot === undefined ? Number.NaN : this.store.num(metric, slot)
    })
    if (f.ended.length > 0 || this.ended.length > 0) {
      const known = new Set(this.ended.map((e) => e.key))
      const fresh = f.ended.filter((e) => !known.has(e.key)).map((e) => ({ ...e, at: e.at ?? f.at }))
      const kept = this.ended.filter((e) => (e.at ?? f.at) > f.at - 60_000)
      if (fresh.length > 0 || kept.length !== this.ended.length) this.ended = [...kept, ...fresh].slice(-ENDED_KEPT)
    }
    this.store.sample((this.subscription?.sort ?? '-cpu').replace(/^-/, ''))
    if (f.type === 'full') this.seedSparks(this.store.sparkColumn)
    this.loaded = true
    this.version += 1
    this.turn()
  }

  /** Points of the last minute for every row, so that the sparkline is not empty when a page opens. */
  private seedSparks(column: string, past = false): void {
    if (!RING.has(column) || app.readable([column]).length === 0 || (!past && this.seeded === column) || this.store.size === 0) return
    if (!past) this.seeded = column
    const at = this.at
    const range = past ? { keys: this.heaviest(column).join(','), from: String(at - 60_000), to: String(at) } : { from: '-60s' }
    void get<SeriesAnswer>(`${hostPath(this.name)}/series`, { scope: 'process', columns: column, step: '2s', ...range })
      .then((answer) => {
        if (past !== (this.view.at !== null) || (past && this.at !== at)) return
        const times = answer.times
        // One point a second is held; the answer has one in `step_ms`.
        const repeat = Math.max(1, Math.round(answer.step_ms / (past ? 1000 : this.interval)))
        for (const s of answer.series) {
          if (s.key === null) continue
          const values = s.values[column] ?? []
          const points: (number | null)[] = []
          for (let i = 0; i < times.length; i += 1) for (let k = 0; k < repeat; k += 1) points.push(values[i] ?? null)
          const slot = this.store.slot(s.key)
          if (slot === undefined) continue
          // The newest points are those collected live since.
          const have = this.store.sparkLength[slot] ?? 0
          const first = points.findIndex((x) => x !== null)
          if (first < 0) continue
          this.store.seed(s.key, column, points.slice(first, Math.max(first, Math.min(points.length - have, SPARK))))
        }
        this.version += 1
      })
      .catch(() => undefined)
  }

  /** The rows that are worth a sparkline when the past cannot give one to each. */
  private heaviest(column: string): string[] {
    const value = (slot: number): number => this.store.num(column, slot) || 0
    return [...this.store.used].sort((a, b) => value(b) - value(a)).slice(0, PAST_SPARKS).flatMap((s) => this.store.keys[s] ?? [])
  }

  /** Coloured processes without a past are asked for together. */
  private askPast(key: string): void {
    this.asked.add(key)
    clearTimeout(this.askTimer)
    this.askTimer = window.setTimeout(() => {
      const keys = [...this.asked].slice(0, BANDS * 2)
      this.asked.clear()
      void get<SeriesAnswer>(`${hostPath(this.name)}/series`, {
        scope: 'process', keys: keys.join(','), columns: app.readable(METRICS).join(','), from: `-${Math.round(this.bands.range / 1000)}s`, step: `${Math.max(2, Math.ceil(this.bands.range / 450_000))}s`,
      })
        .then((answer) => {
          for (const s of answer.series) if (s.key !== null) this.bands.fill(s.key, answer, s)
          this.version += 1
        })
        .catch(() => undefined)
    }, 60)
  }

  private pollLists(): void {
    const run = async (): Promise<void> => {
      if (!document.hidden && this.link !== 'waiting' && this.view.at === null) {
        try {
          this.lists = await get<Figures>(`${hostPath(this.name)}/figures`)
          this.fatal = null
        } catch (e) {
          const p = problemOf(e)
          if (p.status === 404) this.fatal = p
        }
      }
      if (!this.closed) this.listTimer = window.setTimeout(() => { void run() }, this.listsShown ? LISTS_SHOWN_MS : LISTS_MS)
    }
    void run()
  }

  private pollHealth(): void {
    const run = async (): Promise<void> => {
      if (!document.hidden && this.link !== 'waiting') {
        try {
          this.health = await get<Health>('/health')
        } catch {
          // The connection's own state tells when the server is away.
        }
        void this.readHistory()
        // Whose connection is whose is not for everyone.
        if (app.session.role !== 'anonymous' && this.view.at === null) void get<List<Row>>(`${hostPath(this.name)}/connections`, { limit: 1 })
          .then((c) => { if (this.view.at === null) this.connectionCount = c.total })
          .catch(() => undefined)
      }
      if (!this.closed) this.healthTimer = window.setTimeout(() => { void run() }, HEALTH_MS)
    }
    void run()
  }
}

/** The metric that ranks the coloured processes: the sorted one where it is charted, else CPU. */
export function metricOf(sort: string): Metric {
  const id = sort.replace(/^-/, '')
  return METRICS.find((m) => m === id) ?? 'cpu'
}
