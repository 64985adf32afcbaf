// Which system calls a trace tells, and the address where it is told.

import { hostPath, wsUrl } from './api'

export interface Choice {
  /** Names and classes with commas between, as `openat,%network`; `!futex` for all but one; empty for all. */
  filter: string
  failed: boolean
  /** Seconds that a call takes at least. */
  slower: number
}

export interface Manner { ptrace: boolean; follow: boolean; choice: Choice }

/** Classes that have a button. */
export const CLASSES = ['file', 'network', 'memory'] as const

const parts = (filter: string): string[] => filter.split(',').map((x) => x.trim()).filter((x) => x !== '')

export function hasClass(filter: string, name: string): boolean {
  return parts(filter).includes(`%${name}`)
}

/** Puts a class into the filter, or takes it out. Beside what is left out (`!futex`) a class would say nothing, so it stands alone. */
export function toggleClass(filter: string, name: string): string {
  const word = `%${name}`
  const rest = parts(filter).filter((x) => x !== word)
  if (hasClass(filter, name)) return rest.join(',')
  return [...rest.filter((x) => !x.startsWith('!')), word].join(',')
}

/** Calls that the page wants to be told a second: more than anybody reads. */
const RATE = 2000

export function traceUrl(host: string, key: string, { ptrace, follow, choice }: Manner): string {
  const q = new URLSearchParams({ refusal: 'message', parts: 'true', rate: String(RATE) })
  if (ptrace) q.set('engine', 'ptrace')
  if (follow) q.set('follow', 'true')
  if (choice.filter !== '') q.set('filter', choice.filter)
  if (choice.failed) q.set('failed', 'true')
  if (choice.slower > 0) q.set('slower', `${choice.slower}s`)
  return wsUrl(`${hostPath(host)}/processes/${encodeURIComponent(key)}/trace?${q.toString()}`)
}
