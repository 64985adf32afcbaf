// The address of the page: every view is a link.

import { DEFAULT_COLUMNS } from './figures'
import { VIEWS, type View } from './display'

export const HOST_TABS = ['processes', 'connections', 'filesystems', 'disks', 'interfaces', 'cores', 'containers', 'users'] as const
export type HostTab = (typeof HOST_TABS)[number]
export const PROCESS_TABS = ['connections', 'files', 'threads', 'children'] as const
export type ProcessTab = (typeof PROCESS_TABS)[number]

export type Route =
  | { view: 'home' }
  | { view: 'host'; host: string; tab: HostTab }
  | { view: 'process'; host: string; key: string; tab: ProcessTab }
  | { view: 'unknown' }

export function parsePath(path: string): Route {
  const p = path.split('/').filter((x) => x !== '').map((x) => {
    try {
      return decodeURIComponent(x)
    } catch {
      return x
    }
  })
  if (p.length === 0) return { view: 'home' }
  const host = p[1]
  if (p[0] !== 'h' || host === undefined) return { view: 'unknown' }
  if (p[2] === 'p' && p[3] !== undefined && p.length <= 5) {
    const tab = PROCESS_TABS.find((t) => t === p[4])
    if (p[4] !== undefined && tab === undefined && p[4] !== 'overview') return { view: 'unknown' }
    return { view: 'process', host, key: p[3], tab: tab ?? 'connections' }
  }
  if (p.length > 3) return { view: 'unknown' }
  const tab = p[2] === undefined ? 'processes' : HOST_TABS.find((t) => t === p[2])
  return tab === undefined ? { view: 'unknown' } : { view: 'host', host, tab }
}

export function hostHref(host: string, tab: HostTab = 'processes'): string {
  return `/h/${encodeURIComponent(host)}${tab === 'processes' ? '' : `/${tab}`}`
}

export function processHref(host: string, key: string, tab: ProcessTab = 'connections'): string {
  return `/h/${encodeURIComponent(host)}/p/${encodeURIComponent(key)}${tab === 'connections' ? '' : `/${tab}`}`
}

/** The order of parameters in an address. */
const ORDER = ['at', 'span', 'from', 'to', 'q', 'sort', 'view', 'cols', 'sel', 'tz'] as const
export type Param = (typeof ORDER)[number]

/** A query value that stays readable: only what would break the query is escaped. */
function escape(v: string): string {
  return v.replace(/[%#&+]/g, encodeURIComponent).replace(/ /g, '+')
}

export function buildSearch(params: ReadonlyMap<string, string>): string {
  const parts: string[] = []
  for (const name of ORDER) {
    const v = params.get(name)
    if (v !== undefined && v !== '') parts.push(`${name}=${escape(v)}`)
  }
  return parts.length === 0 ? '' : `?${parts.join('&')}`
}

export function parseSearch(search: string): Map<string, string> {
  const out = new Map<string, string>()
  for (const [k, v] of new URLSearchParams(search)) if ((ORDER as readonly string[]).includes(k) && v !== '') out.set(k, v)
  return out
}

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

  /** Goes to a path; the zone and what belongs to the same view stay. */
  go(path: string, keep: readonly Param[] = ['tz'], extra: Partial<Record<Param, string>> = {}): void {
    const params = new Map<string, string>()
    for (const k of keep) {
      const v = this.params.get(k)
      if (v !== undefined) params.set(k, v)
    }
    for (const [k, v] of Object.entries(extra)) params.set(k, v)
    history.pushState(null, '', path + buildSearch(params))
    this.read()
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
  get zone(): string | undefined { return validZone(this.params.get('tz')) }
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
  /** The link asks for a moment in the past. */
  get past(): boolean {
    const at = this.params.get('at')
    return at !== undefined && at !== 'live'
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
