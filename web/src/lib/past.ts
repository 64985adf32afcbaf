// A past instant as the page shows it: one frame's rows and figures, and the charts of a range that stands still.

import { app } from './app.svelte'
import { get, hostPath } from './api'
import { Bands, HOST_FIGURES, METRICS, type Metric } from './bands'
import type { Range } from './clock'
import { Recent } from './recent'
import { durationText } from './time'
import type { Consumers, Ended, Figures, Full, Gap, History, HistoryEvent, List, Row, SeriesAnswer, Subscription, WireRow } from './types'

/** Frames of the past that are kept, so that scrubbing back and forth asks for each only once. */
const FRAMES_KEPT = 40
/** Points of a chart that stands still. */
const POINTS = 600

export interface PastFrame { full: Full; figures: Figures; gap: Gap | null }

/** Rows of a list in the shape of the live connection, so that the table does not know the difference. */
export function wireRows(columns: readonly string[], items: readonly Row[]): WireRow[] {
  return items.map((r, i) => [i, String(r['key']), ...columns.map((c) => r[c] ?? null)])
}

export class Past {
  private readonly host: string
  private readonly frames = new Recent<PastFrame>(FRAMES_KEPT)

  constructor(host: string) {
    this.host = host
  }

  /** The newest frame at or before an instant, as a subscription wants it. */
  async frame(at: number, s: Subscription): Promise<PastFrame> {
    const columns = app.readable(s.columns.filter((c) => c !== 'matched')).concat(s.view === 'tree' ? ['matched'] : [])
    const id = JSON.stringify([at, s.q, columns, s.view])
    const known = this.frames.get(id)
    if (known !== undefined) return known
    const path = hostPath(this.host)
    const [rows, figures] = await Promise.all([
      get<List<Row>>(`${path}/processes`, { at: String(Math.round(at)), q: s.q, sort: s.sort, limit: 0, columns: columns.filter((c) => c !== 'matched').join(','), view: s.view }),
      get<Figures>(`${path}/figures`, { at: String(Math.round(at)) }),
    ])
    const full: Full = {
      type: 'full', seq: -1, interval_ms: 0, columns, rows: wireRows(columns, rows.items), at: rows.at, total: rows.total, matched: rows.matched ?? rows.total,
      host: figures.figures, top: [], ended: [], pace: null, quarantined: 0,
    }
    const frame = { full, figures, gap: rows.gap ?? null }
    this.frames.set(id, frame)
    return frame
  }

  /** The rows of an instant and nothing else, as many as are in sight (0: all). */
  async rows(at: number, s: Subscription, most: number, signal: AbortSignal): Promise<Full> {
    const columns = app.readable(s.columns.filter((c) => c !== 'matched'))
    const rows = await get<List<Row>>(`${hostPath(this.host)}/processes`, { at: String(Math.round(at)), q: s.q, sort: s.sort, limit: most, columns: columns.join(',') }, signal)
    return {
      type: 'full', seq: -1, interval_ms: 0, columns, rows: wireRows(columns, rows.items), at: rows.at, total: rows.total, matched: rows.matched ?? rows.total,
      host: {}, top: [], ended: [], pace: null, quarantined: 0,
    }
  }

  /** The charts of a range, the heaviest of it coloured. */
  async charts(range: Range, by: Metric, signal: AbortSignal): Promise<Bands> {
    const path = hostPath(this.host)
    const span = { from: String(Math.round(range.from)), to: String(Math.round(range.to)), step: stepText(range) }
    const [host, top] = await Promise.all([
      get<SeriesAnswer>(`${path}/series`, { scope: 'host', columns: HOST_FIGURES.join(','), ...span }, signal),
      get<Consumers>(`${path}/top`, { by: app.readable([by]).length > 0 ? by : 'cpu', n: 12, from: span.from, to: span.to }, signal).catch(() => null),
    ])
    const bands = Bands.still(host, top?.items ?? [], by)
    const keys = bands.slots.flatMap((b) => (b === null ? [] : [b.key]))
    if (keys.length > 0) {
      const lines = await get<SeriesAnswer>(`${path}/series`, { scope: 'process', keys: keys.join(','), columns: app.readable(METRICS).join(','), ...span }, signal)
      for (const s of lines.series) if (s.key !== null) bands.fill(s.key, lines, s)
    }
    return bands
  }

  /** What ended in the minute before an instant; not for everyone. */
  async ended(at: number): Promise<Ended[]> {
    const a = await get<List<HistoryEvent>>(`${hostPath(this.host)}/events`, { from: String(Math.round(at - 60_000)), to: String(Math.round(at)), kinds: 'death', limit: 500 })
    return a.items.flatMap((e) => (e.key === null ? [] : [{ key: e.key, pid: Number(e.key.split('-')[0]), name: e.name ?? '?', exit: e.exit, sender: e.sender ?? null, oom: e.oom ?? false, core: e.core ?? false, cmd: e.cmd ?? null, user: e.user ?? null, at: e.at }]))
  }
}

/** A distance of points that suits a chart of this range. */
export function stepText(range: Range): string {
  const wide = (range.to - range.from) / POINTS
  const step = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 86_400].find((s) => s * 1000 >= wide) ?? 86_400
  return durationText(step * 1000)
}

export function historyOf(host: string): Promise<History> {
  return get<History>(`${hostPath(host)}/history`)
}
