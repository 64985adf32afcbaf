// Calls to the server. Every failure is an `ApiError` that carries the problem document.

import type { Problem } from './types'

export class ApiError extends Error {
  readonly problem: Problem
  constructor(problem: Problem) {
    super(problem.title)
    this.problem = problem
  }
}

const BASE = '/api/v1'

async function answer<T>(response: Response): Promise<T> {
  if (response.ok) return response.status === 204 ? (undefined as T) : ((await response.json()) as T)
  let problem: Problem
  try {
    problem = (await response.json()) as Problem
    problem.status ??= response.status
  } catch {
    problem = { type: 'urn:procyon:unavailable', title: response.statusText || `HTTP ${response.status}`, status: response.status }
  }
  throw new ApiError(problem)
}

async function call<T>(path: string, init?: RequestInit): Promise<T> {
  let response: Response
  try {
    response = await fetch(BASE + path, { credentials: 'same-origin', ...init })
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause
    throw new ApiError({ type: 'urn:procyon:unavailable', title: 'No answer', status: 0 })
  }
  return answer<T>(response)
}

export type Query = Record<string, string | number | undefined>

function query(q: Query | undefined): string {
  if (q === undefined) return ''
  const parts = Object.entries(q)
    .filter(([, v]) => v !== undefined && v !== '')
    .map(([k, v]) => `${k}=${encodeURIComponent(String(v))}`)
  return parts.length === 0 ? '' : `?${parts.join('&')}`
}

export function get<T>(path: string, q?: Query, signal?: AbortSignal): Promise<T> {
  return call<T>(path + query(q), signal === undefined ? {} : { signal })
}

export function post<T>(path: string, body: unknown): Promise<T> {
  return call<T>(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
}

export function remove(path: string): Promise<void> {
  return call<void>(path, { method: 'DELETE' })
}

export function hostPath(host: string): string {
  return `/hosts/${encodeURIComponent(host)}`
}

/** The address of a WebSocket. */
export function wsUrl(path: string): string {
  return `${location.origin.replace(/^http/, 'ws')}${BASE}${path}`
}

export function problemOf(e: unknown): Problem {
  if (e instanceof ApiError) return e.problem
  return { type: 'urn:procyon:unavailable', title: e instanceof Error ? e.message : String(e), status: 0 }
}
