// The JSON of the server, as far as the pages read it.

export type Value = number | string | boolean | null
export type Row = Record<string, Value>

export interface Figure {
  number: number
  id: string
  name: string
  scope: string
  unit: string
  kind: 'gauge' | 'counter' | 'text'
  title: Words
  head: Words
  help: Words
  source: string
  privilege: string
  since: string
  pace: string
  public: boolean
}

export interface Words { en: string; zh: string }

export interface Host {
  id: string
  name: string
  aliases: string[]
  os: string | null
  kernel: string | null
  arch: string | null
  cpus: number | null
  cpu_model: string | null
  boot_id: string
  boot_time: number | null
  state: string
  at: number
  interval_ms: number
  version: string
}

export interface Problem {
  type: string
  title: string
  status: number
  detail?: string
  hint?: string
  position?: { line: number; column: number }
  span?: [number, number]
  suggestion?: string
}

export interface Session { role: 'anonymous' | 'viewer' | 'operator'; name: string | null; read_only: boolean }

export interface Figures {
  at: number
  figures: Record<string, Value>
  cores: Row[]
  disks: Row[]
  interfaces: Row[]
  filesystems: Row[]
  sensors: Row[]
  users: Row[]
  containers: Row[]
  ages: Record<string, number>
  gap?: Gap
}

/** Time of which nothing is known: between the last frame before and the first after it. */
export interface Gap { from: number; to: number | null }

export interface List<T> { at: number; items: T[]; total: number; matched?: number; next: string | null; gap?: Gap }

export interface Exit { code?: number; signal?: string }
/** What is known of an end. What is left out is not told there. */
export interface Death {
  exit: Exit | null
  /** Who sent the signal. */
  sender?: { pid: number; uid: number; name: string } | null
  /** The out-of-memory killer chose it. */
  oom?: boolean | null
  /** Its memory was written to a core file. */
  core?: boolean | null
  /** The totals are final; otherwise its last moments may be missing. */
  final?: boolean | null
}
export interface Ended extends Death {
  key: string
  pid: number
  name: string
  cmd?: string | null
  user?: string | null
  at?: number
  start?: number
}

export interface TopItem { key: string; label: string; name?: string; value?: number; values?: Record<string, number | null> }

export interface Series { key: string | null; label: string; values: Record<string, (number | null)[]> }
export interface SeriesAnswer { at: number; step_ms: number; times: number[]; series: Series[]; gaps?: Gap[] }

/** What is kept of the past, and how that is doing. */
export interface History {
  at: number
  state: 'on' | 'off' | 'trouble'
  reason: string | null
  from: number | null
  to: number | null
  interval_ms: number
  bytes: number
  limit_bytes: number | null
  retention_s: number | null
  missed: number
  lost: number
}

/** One of the heaviest processes (or groups) of a range. */
export interface Consumer {
  key: string
  label: string
  name: string
  value: number
  group?: string
  processes?: number
  user?: string | null
  cmd?: string | null
  first?: number
  last?: number
}
export interface Consumers { at: number; items: Consumer[]; other: { count: number; value: number }; covered_s?: number }

export interface HistoryEvent extends Death { at: number; kind: 'birth' | 'death' | 'gap' | 'boot'; key: string | null; name: string | null; cmd?: string | null; user?: string | null; since: number | null }
export interface Found { key: string; pid: number; name: string; cmd: string | null; user: string | null; label: string; started: number; first: number; last: number; ended: boolean }

export interface Limit { name: string; soft: number | null; hard: number | null; unit: string; used: number | null }
export interface Relative { key: string; pid: number; name: string }

export interface ProcessDetail extends Partial<Death> {
  at: number
  key: string
  values: Row
  absent: Record<string, string>
  parents: Relative[]
  children: Relative[]
  limits: Limit[]
  cgroup_limits: { memory: number | null; cpu: number | null }
  listening: number[] | null
  connections: number | null
  signal: { allowed: boolean; reason: string | null }
  state: 'running' | 'ended'
  ended_at?: number | null
  gap?: Gap
}

export interface Capability { id: string; held: boolean; gives: string; grant: string }
export interface Source { id: string; title: string; state: 'ok' | 'late' | 'failed' | 'absent'; interval_ms: number; took_ms: number | null; error: string | null }
export interface Health {
  status: 'ok' | 'degraded'
  version: string
  at: number
  uptime: number
  role: string
  read_only: boolean
  sources: Source[]
  capabilities: Capability[]
  pace: { nominal_ms: number; actual_ms: number; reason: string | null }
  self: { cpu: number | null; rss: number | null; hwm: number | null }
  quarantined: { key: string; pid: number; name: string; file: string; since: number }[]
  features: { id: string; source: string; reason: string | null }[]
  lost_events: number
  series: { bytes: number; limit: number }
  clients: { live: number; cut_off: number }
  history?: History
}

/** Messages of the live connection. */
interface FrameCommon {
  seq: number
  at: number
  total: number
  matched: number
  host: Record<string, Value>
  top: TopItem[]
  ended: Ended[]
  pace: string | null
  quarantined: number
}
export type WireRow = [number, string, ...Value[]]
export interface Hello { type: 'hello'; version: string; host: Host; role: Session['role']; read_only: boolean }
export interface Full extends FrameCommon { type: 'full'; interval_ms: number; columns: string[]; rows: WireRow[] }
export interface Delta extends FrameCommon { type: 'delta'; base: number; add: WireRow[]; set: Value[][]; gone: number[] }
export type ServerMessage = Hello | Full | Delta | { type: 'gap'; missed: number } | { type: 'error'; problem: Problem }

export interface Subscription {
  q: string
  sort: string
  limit: number
  columns: string[]
  top: { by: string; n: number }
  view?: 'tree'
}
