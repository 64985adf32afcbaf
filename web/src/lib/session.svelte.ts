// One host as the page sees it: the live connection with its rows, the charts' past, the slower lists, the health.
// Rows and points are plain arrays; `version` is the one signal that a frame has come.

import { app } from './app.svelte'
import { get, hostPath, liveUrl, problemOf } from './api'
import { BANDS, Bands, HOST_FIGURES, METRICS, RANGE_MS, type Metric } from './bands'
import { isText } from './figures'
import { Live, type Link } from './live'
import { RowStore, SPARK } from './store'
import type { Ended, Figures, Full, Delta, Health, Host, List, Problem, Row, SeriesAnswer, Subscription, Value } from './types'

const LISTS_MS = 5000
const LISTS_SHOWN_MS = 2000
const HEALTH_MS = 10_000
/** Ended processes remembered; more in a minute are only counted so far. */
export const ENDED_KEPT = 2000
/** What the ring of a process keeps; only these have a past for the sparkline. */
const RING = new Set(['cpu', 'cpu_user', 'cpu_sys', 'rss', 'read', 'write', 'rx', 'tx', 'runq', 'majflt', 'minflt', 'threads', 'fds'])

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

  constructor(name: string) {
    this.name = name
    this.store = new RowStore((id) => {
      const x = app.catalogue.get('process', id)
      return x === undefined ? id === 'name' || id === 'cmd' : isText(x)
    })
    this.bands = new Bands((key) => { this.askPast(key) })
    this.live = new Live(liveUrl(name), this.store, {
      hello: (h) => {
        this.host = h.host
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
    document.addEventListener('visibilitychange', this.visibility)
    this.live.open()
    this.pollLists()
    this.pollHealth()
    try {
      const [past, ended] = await Promise.all([
        get<SeriesAnswer>(`${hostPath(this.name)}/series`, {
          scope: 'host', columns: HOST_FIGURES.join(','), from: '-15m', step: '2s',
        }).catch(() => null),
        get<List<Ended> | Ended[]>(`${hostPath(this.name)}/ended`, { from: '-1m' }).catch(() => null),
      ])
      if (past !== null) this.bands.seed(past)
      const items = ended === null ? [] : Array.isArray(ended) ? ended : ended.items
      this.ended = [...items, ...this.ended.filter((e) => !items.some((x) => x.key === e.key))]
      this.version += 1
    } catch (e) {
      this.fatal = problemOf(e)
    }
  }

  close(): void {
    this.closed = true
    document.removeEventListener('visibilitychange', this.visibility)
    clearTimeout(this.listTimer)
    clearTimeout(this.healthTimer)
    clearTimeout(this.askTimer)
    this.live.close()
  }

  want(s: Subscription): void {
    this.subscription = s
    this.bands.rank(metricOf(s.sort))
    this.live.subscribe(s)
    this.seedSparks(s.sort.replace(/^-/, ''))
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

  private frame(f: Full | Delta): void {
    this.at = f.at
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
  }

  /** Points of the last minute for every row, so that the sparkline is not empty when a page opens. */
  private seedSparks(column: string): void {
    if (!RING.has(column) || app.readable([column]).length === 0 || this.seeded === column || this.store.size === 0) return
    this.seeded = column
    void get<SeriesAnswer>(`${hostPath(this.name)}/series`, { scope: 'process', columns: column, from: '-60s', step: '2s' })
      .then((answer) => {
        const times = answer.times
        // One point a second is held; the answer has one in `step_ms`.
        const repeat = Math.max(1, Math.round(answer.step_ms / this.interval))
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

  /** Coloured processes without a past are asked for together. */
  private askPast(key: string): void {
    this.asked.add(key)
    clearTimeout(this.askTimer)
    this.askTimer = window.setTimeout(() => {
      const keys = [...this.asked].slice(0, BANDS * 2)
      this.asked.clear()
      void get<SeriesAnswer>(`${hostPath(this.name)}/series`, {
        scope: 'process', keys: keys.join(','), columns: app.readable(METRICS).join(','), from: `-${RANGE_MS / 60_000}m`, step: '2s',
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
      if (!document.hidden && this.link !== 'waiting') {
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
        // Whose connection is whose is not for everyone.
        if (app.session.role !== 'anonymous') void get<List<Row>>(`${hostPath(this.name)}/connections`, { limit: 1 })
          .then((c) => { this.connectionCount = c.total })
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
