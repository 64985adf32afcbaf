// The address of the page: every view is a link.

import { app } from './app.svelte'
import { DEFAULT_COLUMNS } from './figures'
import { VIEWS, type View } from './display'
import { CLOCK, buildSearch, parsePath, parseSearch, type Param, type Route } from './address'

export * from './address'

const ALL: readonly Param[] = [...CLOCK, 'q', 'sort', 'view', 'cols', 'sel']

/** What a view is left with. */
const KEPT: readonly Param[] = ['q', 'sort', 'view', 'cols']
/** Views whose last state is kept; the oldest is forgotten first. */
const MAX_LEFT = 32

class Router {
  route = $state.raw<Route>(parsePath(location.pathname))
  params = $state.raw<ReadonlyMap<string, string>>(parseSearch(location.search))

  constructor() {
    addEventListener('popstate', () => { this.read() })
  }

  private read(): void {
    this.route = parsePath(location.pathname)
    this.params = parseSearch(location.search)
  }

  /** The parameters that go along, with changes; undefined or '' takes one out. */
  private carry(keep: readonly Param[], extra: Partial<Record<Param, string | undefined>>): Map<string, string> {
    const params = new Map<string, string>()
    for (const k of keep) {
      const v = this.params.get(k)
      if (v !== undefined) params.set(k, v)
    }
    for (const [k, v] of Object.entries(extra)) {
      if (v === undefined || v === '') params.delete(k)
      else params.set(k, v)
    }
    return params
  }

  private readonly left = new Map<string, Partial<Record<Param, string>>>()
  /** Keeps what this view is left with. */
  private leave(): void {
    const kept: Partial<Record<Param, string>> = {}
    for (const k of KEPT) {
      const v = this.params.get(k)
      if (v !== undefined) kept[k] = v
    }
    this.left.delete(location.pathname)
    if (Object.keys(kept).length > 0) this.left.set(location.pathname, kept)
    for (const oldest of this.left.keys()) {
      if (this.left.size <= MAX_LEFT) break
      this.left.delete(oldest)
    }
  }

  /**
   * Goes to a path; the clock and what belongs to the same view stay. Without a wish of its own, the view is as it was
   * left: who looks at the connections or at a process for a moment finds filter and order again.
   */
  go(path: string, keep: readonly Param[] = CLOCK, extra?: Partial<Record<Param, string | undefined>>): void {
    this.leave()
    const wish = extra ?? (path === location.pathname ? {} : (this.left.get(path) ?? {}))
    history.pushState(null, '', path + buildSearch(this.carry(keep, wish)))
    this.read()
  }

  /** The address of a path with the clock of this view. */
  link(path: string, extra: Partial<Record<Param, string | undefined>> = {}): string {
    return path + buildSearch(this.carry(CLOCK, extra))
  }

  private turnedAt = 0
  /**
   * Moves the clock: a step back in the browser undoes it. Moves that follow each other within a second are one, but not
   * between the past and now.
   */
  turn(changes: Partial<Record<Param, string | undefined>>): void {
    const params = this.carry(ALL, changes)
    const search = buildSearch(params)
    if (search === buildSearch(this.params)) return
    const now = Date.now()
    if (now - this.turnedAt < 1000 && params.has('at') === this.params.has('at')) history.replaceState(null, '', location.pathname + search)
    else history.pushState(null, '', location.pathname + search)
    this.turnedAt = now
    this.params = params
  }

  replacePath(path: string): void {
    history.replaceState(null, '', path + buildSearch(this.params))
    this.read()
  }

  /** Changes parameters in place; undefined or '' takes one out. */
  set(changes: Partial<Record<Param, string | undefined>>): void {
    const params = new Map(this.params)
    for (const [k, v] of Object.entries(changes)) {
      if (v === undefined || v === '') params.delete(k)
      else params.set(k, v)
    }
    history.replaceState(null, '', location.pathname + buildSearch(params))
    this.params = params
  }

  get q(): string { return this.params.get('q') ?? '' }
  get zone(): string | undefined { return validZone(this.params.get('tz')) ?? validZone(app.usualZone ?? undefined) }
  get sel(): string | null { return this.params.get('sel') ?? null }
  get view(): View {
    const v = this.params.get('view')
    return VIEWS.find((x) => x === v) ?? 'flat'
  }
  get columns(): string[] {
    const c = this.params.get('cols')
    return c === undefined ? [...DEFAULT_COLUMNS] : c.split(',').filter((x) => x !== '')
  }
  sort(fallback: string): { column: string; descending: boolean } {
    const s = this.params.get('sort') ?? fallback
    return s.startsWith('-') ? { column: s.slice(1), descending: true } : { column: s, descending: false }
  }
}

export function validZone(tz: string | undefined): string | undefined {
  if (tz === undefined) return undefined
  try {
    new Intl.DateTimeFormat('en', { timeZone: tz })
    return tz
  } catch {
    return undefined
  }
}

export const router = new Router()
