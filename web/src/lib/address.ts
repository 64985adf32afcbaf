// Paths and parameters of the pages: every view is a link.

export const HOST_TABS = ['processes', 'connections', 'filesystems', 'disks', 'interfaces', 'cores', 'containers', 'users'] as const
export type HostTab = (typeof HOST_TABS)[number]
export const PROCESS_TABS = ['connections', 'files', 'threads', 'children'] as const
export type ProcessTab = (typeof PROCESS_TABS)[number]
export const SETTINGS_TABS = ['access', 'display', 'about'] as const
export type SettingsTab = (typeof SETTINGS_TABS)[number]

export type Route =
  | { view: 'home' }
  | { view: 'host'; host: string; tab: HostTab }
  | { view: 'process'; host: string; key: string; tab: ProcessTab }
  | { view: 'trace'; host: string; key: string }
  | { view: 'settings'; tab: SettingsTab }
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
  if (p[0] === 'settings' && p.length <= 2) {
    const tab = p[1] === undefined ? 'access' : SETTINGS_TABS.find((t) => t === p[1])
    return tab === undefined ? { view: 'unknown' } : { view: 'settings', tab }
  }
  const host = p[1]
  if (p[0] !== 'h' || host === undefined) return { view: 'unknown' }
  if (p[2] === 'p' && p[3] !== undefined && p.length <= 5) {
    if (p[4] === 'trace') return { view: 'trace', host, key: p[3] }
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

export function traceHref(host: string, key: string): string {
  return `${processHref(host, key)}/trace`
}

export function settingsHref(tab: SettingsTab): string {
  return `/settings/${tab}`
}

/** What belongs to the one clock of the page and goes along to every view. */
export const CLOCK = ['at', 'span', 'from', 'to', 'tz'] as const

/** The order of parameters in an address. */
const ORDER = ['at', 'span', 'from', 'to', 'q', 'sort', 'view', 'cols', 'sel', 'tz'] as const
export type Param = (typeof ORDER)[number]

/** A query value that stays readable: only what would break the query is escaped. */
function escape(v: string): string {
  return v.replace(/[%#&+]/g, encodeURIComponent).replace(/ /g, '+')
}

/** Instants keep the `+` of their offset, so that people can read them; it comes back as a blank, which their reader knows. */
const INSTANTS: ReadonlySet<string> = new Set(['at', 'from', 'to'])

export function buildSearch(params: ReadonlyMap<string, string>): string {
  const parts: string[] = []
  for (const name of ORDER) {
    const v = params.get(name)
    if (v !== undefined && v !== '') parts.push(`${name}=${INSTANTS.has(name) ? v.replace(/[%#& ]/g, encodeURIComponent) : escape(v)}`)
  }
  return parts.length === 0 ? '' : `?${parts.join('&')}`
}

export function parseSearch(search: string): Map<string, string> {
  const out = new Map<string, string>()
  for (const [k, v] of new URLSearchParams(search)) if ((ORDER as readonly string[]).includes(k) && v !== '') out.set(k, INSTANTS.has(k) ? v.replace(/ (\d\d:?\d\d)$/, '+$1') : v)
  return out
}
