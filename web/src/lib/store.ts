// The rows of the live process table, outside of reactive state.
//
// A row lives in a *slot*: a small integer that stays with its process as long as this page knows it, also across
// a new subscription. Numbers are kept column by column in Float64Arrays (NaN: unknown), texts in plain arrays.
// The server names rows by numbers of its own, which it may use again at once; a slot is not used again before the
// ended row it holds has left the screen.

import type { Death, Delta, Ended, Full, Value, WireRow } from './types'

/** How long an ended row stays on the screen. */
export const ENDED_STAYS_MS = 3000
/** Length of the sparkline in points; one point a frame. */
export const SPARK = 60

export type ColumnData = { text: true; values: (string | null)[] } | { text: false; values: Float64Array }

export class RowStore {
  /** Figure ids in the order of the subscription. */
  columns: string[] = []
  /** Slot → key; null: the slot is free. */
  keys: (string | null)[] = []
  /** Slot → local time (ms) at which the row was found ended; 0: alive. */
  endedAt = new Float64Array(0)
  exits = new Map<number, Death | null>()
  /** Slot → the last 60 values of the sorted column, oldest first from `sparkHead`. */
  sparks = new Float32Array(0)
  sparkLength = new Uint8Array(0)
  sparkColumn = ''
  seq = -1
  /** How often everything was replaced. */
  fulls = 0
  /** Slots that hold a row (alive or just ended), in no particular order. */
  used: number[] = []

  private readonly isText: (id: string) => boolean
  private data: ColumnData[] = []
  private index = new Map<string, number>()
  private slotOfRow = new Map<number, number>()
  private slotOfKey = new Map<string, number>()
  private free: number[] = []
  private capacity = 0

  constructor(isText: (id: string) => boolean) {
    this.isText = isText
  }

  get size(): number {
    return this.used.length
  }

  slot(key: string): number | undefined {
    return this.slotOfKey.get(key)
  }

  has(id: string): boolean {
    return this.index.has(id)
  }

  column(id: string): ColumnData | undefined {
    const i = this.index.get(id)
    return i === undefined ? undefined : this.data[i]
  }

  num(id: string, slot: number): number {
    const c = this.column(id)
    return c === undefined || c.text ? Number.NaN : (c.values[slot] ?? Number.NaN)
  }

  text(id: string, slot: number): string | null {
    const c = this.column(id)
    return c === undefined || !c.text ? null : (c.values[slot] ?? null)
  }

  /**
   * Replaces everything; a process that was known keeps its slot and its sparkline, and one that ended since stays for
   * a moment (a slow page gets a full frame in place of the changes it missed).
   */
  full(m: Full, now = 0): void {
    this.fulls += 1
    const old = this.slotOfKey
    const oldColumns = this.columns
    this.slotOfKey = new Map()
    this.slotOfRow = new Map()
    if (oldColumns.length !== m.columns.length || oldColumns.some((c, i) => c !== m.columns[i])) {
      this.columns = m.columns
      this.index = new Map(m.columns.map((c, i) => [c, i]))
      this.data = m.columns.map((c) => this.makeColumn(c))
    }
    const same = oldColumns === this.columns
    const keep = new Set<string>()
    for (const r of m.rows) keep.add(r[1])
    const ended = new Map<string, Ended>()
    for (const e of m.ended) if (now > 0 && same && !keep.has(e.key)) ended.set(e.key, e)
    const leaving: number[] = []
    this.free = []
    for (let s = this.capacity - 1; s >= 0; s -= 1) {
      const k = this.keys[s]
      const e = k === null || k === undefined ? undefined : ended.get(k)
      if (k !== null && k !== undefined && e !== undefined) {
        if ((this.endedAt[s] as number) === 0) this.endedAt[s] = now
        this.exits.set(s, e)
        this.slotOfKey.set(k, s)
        leaving.push(s)
      } else if (k === null || k === undefined || !keep.has(k)) {
        if (k !== null && k !== undefined) this.clear(s)
        this.free.push(s)
      }
    }
    this.used = leaving
    for (const r of m.rows) {
      const before = old.get(r[1])
      const slot = before !== undefined && this.keys[before] === r[1] ? before : this.take()
      this.place(slot, r)
    }
    this.seq = m.seq
  }

  /** Applies a delta. False: it does not follow what is held; the caller must ask for a full frame. */
  delta(m: Delta, now: number, filtered: boolean): boolean {
    if (m.base !== this.seq) return false
    const ended = new Map<string, Ended>()
    for (const e of m.ended) {
      ended.set(e.key, e)
      // How a process ended may be told a moment after it left.
      const slot = this.slotOfKey.get(e.key)
      if (slot !== undefined && (this.endedAt[slot] as number) > 0) this.exits.set(slot, e)
    }
    for (const row of m.gone) {
      const slot = this.slotOfRow.get(row)
      if (slot === undefined) continue
      this.slotOfRow.delete(row)
      const key = this.keys[slot]
      const e = key === null || key === undefined ? undefined : ended.get(key)
      // Without a filter a row leaves only because its process ended; with one it may merely match no longer.
      if (e !== undefined || !filtered) {
        this.endedAt[slot] = now
        this.exits.set(slot, e ?? null)
      } else {
        this.drop(slot)
      }
    }
    for (const r of m.add) {
      const before = this.slotOfKey.get(r[1])
      this.place(before ?? this.take(), r)
    }
    for (const change of m.set) {
      const slot = this.slotOfRow.get(change[0] as number)
      if (slot === undefined) continue
      for (let i = 1; i + 1 < change.length; i += 2) this.write(slot, change[i] as number, change[i + 1] ?? null)
    }
    this.seq = m.seq
    return true
  }

  /** Frees the rows that ended more than three seconds ago. Returns whether any left. */
  expire(now: number): boolean {
    let any = false
    for (let i = this.used.length - 1; i >= 0; i -= 1) {
      const slot = this.used[i] as number
      const at = this.endedAt[slot] as number
      if (at > 0 && now - at >= ENDED_STAYS_MS) {
        this.drop(slot)
        any = true
      }
    }
    return any
  }

  /** Adds one point to every sparkline; call once a frame. */
  sample(columnId: string): void {
    if (columnId !== this.sparkColumn) {
      this.sparkColumn = columnId
      this.sparkLength.fill(0)
    }
    const c = this.column(columnId)
    if (c === undefined || c.text) return
    for (const slot of this.used) {
      if ((this.endedAt[slot] as number) > 0) continue
      this.pushSpark(slot, c.values[slot] ?? Number.NaN)
    }
  }

  /** Forgets every sparkline: what is shown is no longer what was collected. */
  forgetSparks(column: string): void {
    this.sparkColumn = column
    this.sparkLength.fill(0)
  }

  /** Puts older points before those collected so far. */
  seed(key: string, columnId: string, points: readonly (number | null)[]): void {
    const slot = this.slotOfKey.get(key)
    if (slot === undefined || columnId !== this.sparkColumn) return
    const n = this.sparkLength[slot] as number
    const base = slot * SPARK
    const room = Math.min(SPARK - n, points.length)
    if (room <= 0) return
    this.sparks.copyWithin(base + room, base, base + n)
    for (let i = 0; i < room; i += 1) this.sparks[base + i] = points[points.length - room + i] ?? Number.NaN
    this.sparkLength[slot] = n + room
  }

  private pushSpark(slot: number, v: number): void {
    const base = slot * SPARK
    const n = this.sparkLength[slot] as number
    if (n === SPARK) {
      this.sparks.copyWithin(base, base + 1, base + SPARK)
      this.sparks[base + SPARK - 1] = v
    } else {
      this.sparks[base + n] = v
      this.sparkLength[slot] = n + 1
    }
  }

  private makeColumn(id: string): ColumnData {
    return this.isText(id)
      ? { text: true, values: new Array<string | null>(this.capacity).fill(null) }
      : { text: false, values: new Float64Array(this.capacity).fill(Number.NaN) }
  }

  private grow(): void {
    const next = Math.max(256, this.capacity * 2)
    const endedAt = new Float64Array(next)
    endedAt.set(this.endedAt)
    this.endedAt = endedAt
    const sparks = new Float32Array(next * SPARK)
    sparks.set(this.sparks)
    this.sparks = sparks
    const lengths = new Uint8Array(next)
    lengths.set(this.sparkLength)
    this.sparkLength = lengths
    for (const c of this.data) {
      if (c.text) {
        while (c.values.length < next) c.values.push(null)
      } else {
        const values = new Float64Array(next).fill(Number.NaN)
        values.set(c.values)
        c.values = values
      }
    }
    for (let s = next - 1; s >= this.capacity; s -= 1) this.free.push(s)
    while (this.keys.length < next) this.keys.push(null)
    this.capacity = next
  }

  private take(): number {
    if (this.free.length === 0) this.grow()
    return this.free.pop() as number
  }

  private place(slot: number, r: WireRow): void {
    const key = r[1]
    if (this.keys[slot] !== key) this.sparkLength[slot] = 0
    const held = this.slotOfKey.get(key) === slot
    this.keys[slot] = key
    this.slotOfKey.set(key, slot)
    this.slotOfRow.set(r[0], slot)
    this.endedAt[slot] = 0
    this.exits.delete(slot)
    if (!held) this.used.push(slot)
    for (let c = 0; c < this.columns.length; c += 1) this.write(slot, c, r[c + 2] ?? null)
  }

  private write(slot: number, column: number, v: Value): void {
    const c = this.data[column]
    if (c === undefined) return
    if (c.text) c.values[slot] = v === null ? null : String(v)
    else c.values[slot] = v === null ? Number.NaN : Number(v)
  }

  private clear(slot: number): void {
    this.keys[slot] = null
    this.endedAt[slot] = 0
    this.exits.delete(slot)
    this.sparkLength[slot] = 0
  }

  private drop(slot: number): void {
    const key = this.keys[slot]
    if (key !== null && key !== undefined && this.slotOfKey.get(key) === slot) this.slotOfKey.delete(key)
    this.clear(slot)
    const i = this.used.indexOf(slot)
    if (i >= 0) {
      this.used[i] = this.used[this.used.length - 1] as number
      this.used.pop()
    }
    this.free.push(slot)
  }
}
