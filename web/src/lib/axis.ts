// What a chart takes from the clock of the page: its range, the playhead, gaps, and how times are written.

import type { Picture } from './chart'
import type { Range } from './clock'
import * as f from './format'
import type { HostSession } from './session.svelte'

export function axis(session: HostSession, window: Range | null, times: readonly number[], z: { locale: string; zone: string | undefined }): Pick<Picture, 'range' | 'at' | 'gaps' | 'zone' | 'tick' | 'clock'> {
  const wide = window === null ? (times[times.length - 1] ?? 0) - (times[0] ?? 0) : window.to - window.from
  return {
    range: window ?? undefined, at: session.view.at, gaps: session.charts.gaps, zone: z.zone,
    tick: (t) => (t.kind === 'day' ? f.day(t.at, z) : t.kind === 'second' ? f.clock(t.at, z) : f.clockShort(t.at, z)),
    clock: (ms) => (wide < 20 * 60_000 ? f.clock(ms, z) : wide < 36 * 3_600_000 ? f.clockShort(ms, z) : `${f.day(ms, z)} ${f.clockShort(ms, z)}`),
  }
}
