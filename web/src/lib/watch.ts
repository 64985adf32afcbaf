// The connection over which a trace is told.

import type { Choice } from './choice'
import type { Problem } from './types'

export interface Line {
  at: number
  pid: number
  tid: number
  kind: string
  /** As strace tells it; calls come by their parts alone. */
  line?: string
  name?: string
  args?: string
  result?: string
  error?: string
  duration?: number
  lost?: number
}

/** A line as strace tells it: the results of short calls stand in one column. */
export function textOf(l: Line): string {
  return l.line ?? `${`${l.name ?? ''}(${l.args ?? ''})`.padEnd(39)} = ${l.result ?? '?'}`
}

export interface Count { name: string; calls: number; errors: number; total: number; mean: number; p50: number; p99: number; max: number; buckets: number[] }
/** Calls that have a thread or a file in common. */
export interface Share { calls: number; errors: number; total: number }
export interface Thread extends Share { pid: number; tid: number; name?: string }
export interface File extends Share { name: string }
export interface Failure { error: string; words: string; name: string; calls: number }
export interface UnderWay { tid: number; name: string; since?: number }

export interface State {
  type: 'state'
  at: number
  calls: number
  errors: number
  lost: number
  /** Threads for which the kernel had no memory. */
  not_followed: number
  stopped?: number
  rows: Count[]
  threads: Thread[]
  more_threads: Share
  files: File[]
  more_files: Share
  failures: Failure[]
  more_failures: Share
  under_way: UnderWay[]
  ends_at: number
  lines: number
  bytes: number
  paused: boolean
  choice: Choice
}
export interface Begun { type: 'hello'; key: string; engine: 'ebpf' | 'ptrace'; threads: number; ends_at: number; lines: number; bytes: number; choice: Choice }

export type Told =
  | Begun
  | State
  | { type: 'calls'; calls: Line[] }
  | { type: 'missed'; messages: number }
  | { type: 'skipped'; lines: number }
  | { type: 'error'; problem: Problem }
  | { type: 'end'; why: string }

export type Said = ({ type: 'filter' } & Choice) | { type: 'extend'; seconds: number } | { type: 'resume' }

export class Watch {
  private readonly socket: WebSocket

  /** `closed` is called once, unless it is we who close. */
  constructor(url: string, told: (m: Told) => void, closed: (e: CloseEvent) => void) {
    this.socket = new WebSocket(url)
    this.socket.onmessage = (e) => { told(JSON.parse(String(e.data)) as Told) }
    this.socket.onclose = closed
  }

  say(m: Said): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(m))
  }

  close(): void {
    this.socket.onmessage = null
    this.socket.onclose = null
    this.socket.close()
  }
}
