// Puts the rows of the store into the order of the screen: flat, as a tree, or in groups.

import type { RowStore } from './store'

export type View = 'flat' | 'tree' | 'name' | 'cgroup' | 'container' | 'user'
export const VIEWS: readonly View[] = ['flat', 'tree', 'name', 'cgroup', 'container', 'user']

export const NO_FOLD = 0
export const OPEN = 1
export const FOLDED = 2

export interface Group { name: string; members: number[]; rank: number; sum: number; shown: boolean }

export interface Order {
  column: string
  descending: boolean
  view: View
  /** Keys of folded processes (tree) or names of expanded groups. */
  toggled: ReadonlySet<string>
  /** Keep rows where they are; only add new ones at the end. */
  hold: boolean
}

const LAST = 0x3fffffff

export class Display {
  /** ≥ 0: slot; < 0: group number -1 - value. */
  items = new Int32Array(0)
  fold = new Uint8Array(0)
  prefix: string[] = []
  count = 0
  groups: Group[] = []
  /** Folded parents of the tree → every slot of their branch. */
  branches = new Map<number, number[]>()

  private readonly store: RowStore
  private rank = new Int32Array(0)
  private rankKey: (string | null)[] = []
  private groupRank = new Map<string, number>()
  private groupBy = ''

  constructor(store: RowStore) {
    this.store = store
  }

  /** Position of a row, or -1. */
  indexOf(slot: number): number {
    for (let i = 0; i < this.count; i += 1) if (this.items[i] === slot) return i
    return -1
  }

  update(o: Order): void {
    const n = this.store.used.length
    const room = n * 2 + 8
    if (this.items.length < room) {
      this.items = new Int32Array(room)
      this.fold = new Uint8Array(room)
    }
    this.count = 0
    this.branches.clear()
    if (o.view === 'flat') this.flat(o)
    else if (o.view === 'tree') this.tree(o)
    else this.grouped(o)
    if (!o.hold) this.remember()
  }

  private remember(): void {
    const cap = this.store.keys.length
    if (this.rank.length < cap) this.rank = new Int32Array(cap)
    this.rank.fill(LAST)
    if (this.rankKey.length < cap) this.rankKey.length = cap
    for (let i = 0; i < this.count; i += 1) {
      const item = this.items[i] as number
      if (item >= 0) {
        this.rank[item] = i
        this.rankKey[item] = this.store.keys[item] ?? null
      } else {
        const g = this.groups[-1 - item]
        if (g !== undefined) this.groupRank.set(g.name, i)
      }
    }
  }

  private rankOf(slot: number): number {
    return this.rankKey[slot] === this.store.keys[slot] ? (this.rank[slot] ?? LAST) : LAST
  }

  private push(item: number, prefix: string, fold: number): void {
    this.items[this.count] = item
    this.fold[this.count] = fold
    this.prefix[this.count] = prefix
    this.count += 1
  }

  /** Compares two rows by the sorted column, then start time, then pid. */
  comparer(o: Order): (a: number, b: number) => number {
    const s = this.store
    const start = s.column('start')
    const pid = s.column('pid')
    const starts = start !== undefined && !start.text ? start.values : new Float64Array(0)
    const pids = pid !== undefined && !pid.text ? pid.values : new Float64Array(0)
    const tie = (a: number, b: number): number => {
      const d = (starts[a] as number) - (starts[b] as number)
      if (d !== 0 && !Number.isNaN(d)) return d
      return (pids[a] as number) - (pids[b] as number)
    }
    if (o.hold) {
      return (a, b) => this.rankOf(a) - this.rankOf(b) || tie(a, b)
    }
    // The age grows while the start stays: sorting by one is sorting by the other, turned round.
    const byAge = o.column === 'age'
    const c = s.column(byAge ? 'start' : o.column)
    if (c === undefined) return tie
    const sign = (o.descending ? -1 : 1) * (byAge ? -1 : 1)
    if (c.text) {
      const v = c.values
      return (a, b) => {
        const x = v[a] ?? null
        const y = v[b] ?? null
        if (x === y) return tie(a, b)
        if (x === null) return 1
        if (y === null) return -1
        return (x < y ? -1 : 1) * sign
      }
    }
    const v = c.values
    return (a, b) => {
      const x = v[a] as number
      const y = v[b] as number
      if (x === y) return tie(a, b)
      // Unknown values stand last, whichever way the column is sorted.
      if (x !== x) return y !== y ? tie(a, b) : 1
      if (y !== y) return -1
      return (x - y) * sign
    }
  }

  private flat(o: Order): void {
    const used = this.store.used
    const n = used.length
    for (let i = 0; i < n; i += 1) this.items[i] = used[i] as number
    this.items.subarray(0, n).sort(this.comparer(o))
    this.fold.fill(NO_FOLD, 0, n)
    for (let i = 0; i < n; i += 1) this.prefix[i] = ''
    this.count = n
  }

  private tree(o: Order): void {
    const s = this.store
    const pid = s.column('pid')
    const ppid = s.column('ppid')
    if (pid === undefined || ppid === undefined || pid.text || ppid.text) {
      this.flat(o)
      return
    }
    const byPid = new Map<number, number>()
    for (const slot of s.used) if ((s.endedAt[slot] as number) === 0) byPid.set(pid.values[slot] as number, slot)
    const childrenOf = new Map<number, number[]>()
    const roots: number[] = []
    for (const slot of s.used) {
      const parent = byPid.get(ppid.values[slot] as number)
      if (parent === undefined || parent === slot) roots.push(slot)
      else {
        const list = childrenOf.get(parent)
        if (list === undefined) childrenOf.set(parent, [slot])
        else list.push(slot)
      }
    }
    const compare = this.branchComparer(o, roots, childrenOf)
    roots.sort(compare)
    for (const list of childrenOf.values()) list.sort(compare)
    const seen = new Set<number>()
    const walk = (slot: number, lead: string, joint: string): void => {
      if (seen.has(slot)) return
      seen.add(slot)
      const children = childrenOf.get(slot)
      const folded = children !== undefined && o.toggled.has(s.keys[slot] ?? '')
      const mark = children === undefined ? (joint === '' ? '' : '─ ') : folded ? '▸ ' : '▾ '
      this.push(slot, lead + joint + mark, children === undefined ? NO_FOLD : folded ? FOLDED : OPEN)
      if (children === undefined) return
      if (folded) {
        const all: number[] = []
        const gather = (x: number): void => {
          if (x !== slot && seen.has(x)) return
          seen.add(x)
          all.push(x)
          for (const y of childrenOf.get(x) ?? []) gather(y)
        }
        gather(slot)
        this.branches.set(slot, all)
        return
      }
      const next = lead + (joint === '' ? '' : joint === '└' ? '   ' : '│  ')
      const below = joint === '' ? `${lead} ` : next
      children.forEach((child, i) => { walk(child, below, i === children.length - 1 ? '└' : '├') })
    }
    for (const r of roots) walk(r, '', '')
    // A loop of parents has no root (a pid was used again between two reads): its rows are shown all the same.
    for (const slot of s.used) if (!seen.has(slot)) walk(slot, '', '')
  }

  /** Siblings are ordered by what their whole branch weighs. */
  private branchComparer(o: Order, roots: number[], childrenOf: Map<number, number[]>): (a: number, b: number) => number {
    const plain = this.comparer(o)
    const c = this.store.column(o.column)
    if (o.hold || c === undefined || c.text || /^(pid|ppid|start|age|uid|gid|nice|tgid)$/.test(o.column)) return plain
    const weight = new Map<number, number>()
    const weigh = (slot: number, depth: number): number => {
      let w = c.values[slot] as number
      if (Number.isNaN(w)) w = 0
      if (depth < 400) for (const child of childrenOf.get(slot) ?? []) w += weigh(child, depth + 1)
      weight.set(slot, w)
      return w
    }
    for (const r of roots) weigh(r, 0)
    const sign = o.descending ? -1 : 1
    const tie = this.comparer({ ...o, column: 'start', descending: false })
    return (a, b) => {
      const d = (weight.get(a) ?? 0) - (weight.get(b) ?? 0)
      return Math.abs(d) > 1e-9 ? d * sign : tie(a, b)
    }
  }

  private grouped(o: Order): void {
    const s = this.store
    const by = s.column(o.view)
    if (this.groupBy !== o.view) {
      this.groupRank.clear()
      this.groupBy = o.view
    }
    const map = new Map<string, Group>()
    const sorted = s.column(o.column)
    const numbers = sorted !== undefined && !sorted.text ? sorted.values : null
    for (const slot of s.used) {
      const name = (by?.text === true ? by.values[slot] : null) ?? ''
      let g = map.get(name)
      if (g === undefined) {
        g = { name, members: [], rank: this.groupRank.get(name) ?? LAST, sum: 0, shown: o.toggled.has(name) }
        map.set(name, g)
      }
      g.members.push(slot)
      const v = numbers === null ? Number.NaN : (numbers[slot] as number)
      if (!Number.isNaN(v)) g.sum += v
    }
    this.groups = [...map.values()]
    const sign = o.descending ? -1 : 1
    const byName = (a: Group, b: Group): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
    if (o.hold) this.groups.sort((a, b) => a.rank - b.rank || byName(a, b))
    else if (numbers === null || o.column === 'age') this.groups.sort((a, b) => byName(a, b) * (o.column === o.view ? sign : 1))
    else this.groups.sort((a, b) => (a.sum - b.sum) * sign || byName(a, b))
    const compare = this.comparer(o)
    this.groups.forEach((g, i) => {
      this.push(-1 - i, '', g.shown ? OPEN : FOLDED)
      if (!g.shown) return
      g.members.sort(compare)
      g.members.forEach((m, k) => { this.push(m, k === g.members.length - 1 ? '└ ' : '├ ', NO_FOLD) })
    })
  }
}
