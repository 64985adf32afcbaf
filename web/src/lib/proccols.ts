// The columns of the live process table: catalogue figures painted from the row store.

import { Display, OPEN, FOLDED as FOLDED_BRANCH, NO_FOLD, type Group } from './display'
import { barHue, isAdditive, isHot, isNumber, isText, isZero, show, showNumber, width, STATES, type Context } from './figures'
import * as f from './format'
import { Spark, type Cell, type Column } from './grid'
import type { Catalogue } from './figures'
import type { RowStore } from './store'
import { SPARK } from './store'
import type { Death, Figure } from './types'
import { translate, type Key } from './i18n'

export interface Source {
  store: RowStore
  display: Display
  catalogue: Catalogue
  colour(key: string): number
  context(): Context
  memTotal(): number
  /** Server time of the rows. */
  at(): number
  sortColumn(): string
  /** False in a tree for an ancestor that itself does not match the filter. */
  view(): string
}

/** How a process ended in a word: `exit 1`, `SIGKILL`, `OOM`. */
export function exitWord(end: Death | null | undefined, t: (key: Key, args?: Record<string, string | number>) => string): string {
  if (end?.oom === true) return 'OOM'
  const exit = end?.exit ?? null
  if (exit === null) return t('ended')
  return exit.signal ?? t('exitCode', { code: exit.code ?? 0 })
}

/** What a row calls its process: the name (in full where the kernel cut it to 15 bytes) and the arguments. */
export function titleOf(name: string | null, cmd: string | null): [string, string] {
  const n = name ?? '?'
  if (cmd === null || cmd === '' || cmd === `[${n}]`) return [n, '']
  const space = cmd.indexOf(' ')
  const first = space < 0 ? cmd : cmd.slice(0, space)
  const base = first.slice(first.lastIndexOf('/') + 1)
  const rest = space < 0 ? '' : cmd.slice(space + 1)
  if (base === n || (n.length >= 15 && base.startsWith(n))) return [base, rest]
  // A process that wrote its own title: `nginx: worker process`, `npm exec vite`.
  if (cmd.startsWith(`${n}: `)) return [n, cmd.slice(n.length + 2)]
  if (n.length >= 15 && cmd.startsWith(n)) {
    const end = cmd.indexOf(' ', n.length)
    return end < 0 ? [cmd, ''] : [cmd.slice(0, end), cmd.slice(end + 1)]
  }
  // An interpreter or a renamed thread: the whole line says more.
  return [n, cmd]
}

export function argumentsOf(cmd: string | null, name: string | null): string {
  return titleOf(name, cmd)[1]
}

export function nameOf(name: string | null, cmd: string | null): string {
  return titleOf(name, cmd)[0]
}

export class Painter {
  /** The largest value of each column with bars, eased over ten seconds so that bars do not jump. */
  private readonly tops = new Map<string, number>()
  private readonly s: Source
  private grouped = false

  constructor(source: Source) {
    this.s = source
  }

  /** Once a frame, for the columns with bars. */
  scale(ids: readonly string[]): void {
    const view = this.s.view()
    const grouped = view !== 'flat' && view !== 'tree'
    if (grouped !== this.grouped) {
      this.grouped = grouped
      this.tops.clear()
    }
    for (const id of ids) {
      const c = this.s.store.column(id)
      if (c === undefined || c.text) continue
      let top = 0
      for (const slot of this.s.store.used) {
        const v = c.values[slot] as number
        if (v > top) top = v
      }
      for (const g of grouped ? this.s.display.groups : []) {
        let sum = 0
        for (const m of g.members) {
          const v = c.values[m] as number
          if (v === v) sum += v
        }
        if (sum > top) top = sum
      }
      const was = this.tops.get(id) ?? top
      this.tops.set(id, top > was ? top : was + (top - was) * 0.1)
    }
  }

  column(x: Figure, head: string, help: string): Column {
    const base = { id: x.id, head, help, width: width(x, head), num: isNumber(x), sortable: true }
    switch (x.id) {
      case 'pid': return { ...base, cls: 't2', paint: (cell, i) => { this.pid(cell, i) } }
      case 'cmd': return { ...base, paint: (cell, i) => { this.command(cell, i) }, tip: (i) => this.commandTip(i) }
      case 'state': return { ...base, num: false, paint: (cell, i) => { this.state(cell, i) }, tip: (i) => this.stateTip(i) }
      case 'age': return { ...base, cls: 't2', paint: (cell, i) => { this.age(cell, i) } }
      case 'fds': return { ...base, paint: (cell, i) => { this.fds(cell, i, x) } }
    }
    if (isText(x) || x.unit === 'bool') {
      return { ...base, cls: 't2', paint: (cell, i) => { this.text(cell, i, x) } }
    }
    return {
      ...base, paint: (cell, i) => { this.number(cell, i, x) },
      tip: (i) => (this.isUnknown(i, x) ? `${translate(this.s.context().lang, 'unknownHelp')}\n${help}` : ''),
    }
  }

  chip(help: string): Column {
    return {
      id: 'chip', head: '', help, width: [52, 0], num: false, sortable: false,
      paint: (cell, i) => {
        let chip = cell.own as HTMLElement | null
        if (chip === null) {
          chip = document.createElement('i')
          cell.el.append(chip)
          cell.own = chip
        }
        const item = this.s.display.items[i] as number
        const n = item >= 0 ? this.s.colour(this.s.store.keys[item] ?? '') : this.groupColour(this.group(item))
        const cls = n === 0 ? 'pchip none' : `pchip p${n}`
        if (chip.className !== cls) chip.className = cls
      },
    }
  }

  spark(head: string, help: string): Column {
    return {
      id: 'spark', head, help, width: [74, 0], num: false, sortable: false,
      paint: (cell, i) => {
        const spark = (cell.own ??= new Spark(cell)) as Spark
        const item = this.s.display.items[i] as number
        const id = this.s.sortColumn()
        const x = this.s.catalogue.get('process', id)
        const hue = (x === undefined ? null : barHue(x)) ?? '--cpu'
        const floor = x?.unit === 'cores' ? 0.1 : x?.unit === 'bytes_per_second' ? 1024 * 256 : 1
        const st = this.s.store
        if (item >= 0) spark.draw(st.sparks, item * SPARK, st.sparkLength[item] as number, SPARK, floor, this.tops.get(id) ?? 0, hue)
        else this.groupSpark(spark, this.group(item), floor, this.tops.get(id) ?? 0, hue)
      },
    }
  }

  private readonly sum = new Float32Array(SPARK)
  private groupSpark(spark: Spark, g: Group | undefined, floor: number, top: number, hue: string): void {
    const st = this.s.store
    let n = 0
    this.sum.fill(0)
    for (const m of g?.members ?? []) {
      const len = st.sparkLength[m] as number
      n = Math.max(n, len)
      for (let k = 0; k < len; k += 1) {
        const v = st.sparks[m * SPARK + k] as number
        if (v === v) (this.sum[SPARK - len + k] as number) += v
      }
    }
    spark.draw(this.sum, SPARK - n, n, SPARK, floor, top, hue)
  }

  private group(item: number): Group | undefined {
    return this.s.display.groups[-1 - item]
  }

  /** The colour of a group is that of its heaviest coloured member. */
  private groupColour(g: Group | undefined): number {
    if (g === undefined) return 0
    let best = 0
    let most = -1
    for (const m of g.members) {
      const n = this.s.colour(this.s.store.keys[m] ?? '')
      const v = this.s.store.num('cpu', m)
      if (n > 0 && (v > most || best === 0)) {
        best = n
        most = v
      }
    }
    return best
  }

  /** The value of a row: of a process, the sum of a group, or the sum of a folded branch. */
  value(x: Figure, index: number): { v: number; sum: boolean } {
    const d = this.s.display
    const item = d.items[index] as number
    const c = this.s.store.column(x.id)
    if (c === undefined || c.text) return { v: Number.NaN, sum: false }
    if (item >= 0 && d.fold[index] !== FOLDED_BRANCH) return { v: c.values[item] as number, sum: false }
    const members = item >= 0 ? d.branches.get(item) : this.group(item)?.members
    if (members === undefined) return { v: c.values[item] as number, sum: false }
    if (!isAdditive(x)) return { v: item >= 0 ? (c.values[item] as number) : Number.NaN, sum: false }
    let v = 0
    let known = false
    for (const m of members) {
      const y = c.values[m] as number
      if (y === y) {
        v += y
        known = true
      }
    }
    return { v: known ? v : Number.NaN, sum: item >= 0 }
  }

  private isUnknown(i: number, x: Figure): boolean {
    return Number.isNaN(this.value(x, i).v)
  }

  private number(cell: Cell, i: number, x: Figure): void {
    const { v, sum } = this.value(x, i)
    const item = this.s.display.items[i] as number
    if (v !== v) {
      cell.set(item < 0 && !isAdditive(x) ? '' : f.UNKNOWN, 'z')
      const hue = barHue(x)
      if (hue !== null) cell.fill(0, hue)
      return
    }
    const text = x.id === 'threads' && v >= 10_000 ? f.countShort(v) : showNumber(x, v, this.s.context())
    cell.set(sum && !isZero(text) ? `Σ ${text}` : text, isZero(text) ? 'z' : isHot(x, v, this.s.memTotal()) ? 'hot' : '')
    const hue = barHue(x)
    if (hue !== null) cell.fill(v / Math.max(this.tops.get(x.id) ?? v, 1e-9), hue)
  }

  private text(cell: Cell, i: number, x: Figure): void {
    const item = this.s.display.items[i] as number
    const st = this.s.store
    if (item < 0) {
      // A group shows a text that all of its members share.
      const g = this.group(item)
      const first = g === undefined ? null : st.text(x.id, g.members[0] ?? -1)
      cell.set(g !== undefined && g.members.every((m) => st.text(x.id, m) === first) ? (first ?? '') : '', '')
      return
    }
    if (x.unit === 'bool') {
      cell.set(show(x, st.num(x.id, item) === 1, this.s.context()))
      return
    }
    const v = st.text(x.id, item)
    cell.set(v ?? f.UNKNOWN, v === null ? 'z' : '')
  }

  private pid(cell: Cell, i: number): void {
    const item = this.s.display.items[i] as number
    if (item < 0) cell.set(`× ${f.count(this.group(item)?.members.length ?? 0)}`, 't3')
    else cell.set(f.identifier(this.s.store.num('pid', item)))
  }

  private age(cell: Cell, i: number): void {
    const item = this.s.display.items[i] as number
    cell.set(item < 0 ? '' : f.age((this.s.at() - this.s.store.num('start', item)) / 1000))
  }

  private fds(cell: Cell, i: number, x: Figure): void {
    const { v } = this.value(x, i)
    const item = this.s.display.items[i] as number
    const part = item < 0 ? Number.NaN : this.s.store.num('fd_ratio', item)
    const text = showNumber(x, v, this.s.context())
    cell.set(text, part >= 0.9 ? 'c-warn' : part >= 0.8 ? 'c-note' : isZero(text) || v !== v ? 'z' : 't2')
  }

  private state(cell: Cell, i: number): void {
    const item = this.s.display.items[i] as number
    const v = item < 0 ? null : this.s.store.text('state', item)
    cell.set(v ?? '', v === 'R' ? 'c-ok semi' : v === 'D' ? 'c-note semi' : v === 'Z' ? 'c-warn semi' : 't3')
  }

  private stateTip(i: number): string {
    const item = this.s.display.items[i] as number
    const v = item < 0 ? null : this.s.store.text('state', item)
    const key = v === null ? undefined : STATES[v]
    return key === undefined ? '' : `${v} · ${translate(this.s.context().lang, key)}`
  }

  private command(cell: Cell, i: number): void {
    let own = cell.own as Command | null
    if (own === null) {
      own = new Command(cell.el)
      cell.own = own
    }
    const d = this.s.display
    const st = this.s.store
    const item = d.items[i] as number
    const prefix = d.prefix[i] ?? ''
    const fold = d.fold[i] as number
    if (item < 0) {
      const g = this.group(item)
      own.set(fold === OPEN ? '▾ ' : '▸ ', true, g?.name === '' ? '—' : (g?.name ?? ''), '', '')
      return
    }
    const name = st.text('name', item)
    const cmd = st.text('cmd', item)
    const kernel = st.num('kthread', item) === 1
    const lang = this.s.context().lang
    const ended = (st.endedAt[item] as number) > 0
    const badge = ended ? exitWord(st.exits.get(item), (key, args) => translate(lang, key, args)) : ''
    const [title, args] = kernel ? [`[${name ?? '?'}]`, ''] : titleOf(name, cmd)
    own.set(prefix, fold !== NO_FOLD, title, args.length > 400 ? args.slice(0, 400) : args, badge)
  }

  private commandTip(i: number): string {
    const item = this.s.display.items[i] as number
    const st = this.s.store
    if (item < 0) return this.group(item)?.name ?? ''
    const lines = [st.text('cmd', item) ?? '', st.text('cwd', item) ?? '', st.text('cgroup', item) ?? '']
    return lines.filter((x) => x !== '').join('\n')
  }
}

class Command {
  private readonly prefix = document.createElement('span')
  private readonly name = document.createElement('b')
  private readonly args = document.createElement('span')
  private badge: HTMLElement | null = null
  private last = ['', '', '', '']
  private folds = false

  constructor(el: HTMLElement) {
    this.prefix.className = 'tw'
    this.name.className = 'med'
    this.args.className = 'args'
    el.append(this.prefix, this.name, document.createTextNode(' '), this.args)
  }

  set(prefix: string, folds: boolean, name: string, args: string, badge: string): void {
    const l = this.last
    if (l[0] !== prefix) this.prefix.textContent = l[0] = prefix
    if (this.folds !== folds) {
      this.folds = folds
      this.prefix.className = folds ? 'tw fold' : 'tw'
    }
    if (l[1] !== name) this.name.textContent = l[1] = name
    if (l[2] !== args) this.args.textContent = l[2] = args
    if (l[3] !== badge) {
      l[3] = badge
      if (this.badge === null) {
        this.badge = document.createElement('span')
        this.name.after(this.badge)
      }
      this.badge.className = badge === '' ? '' : 'badge'
      this.badge.textContent = badge
    }
  }
}
