// A virtual table: rows of one height, only those on screen in the document, a cell written only if its text changed.
// It knows nothing of Svelte or of processes; columns paint their cells.

const SVG = 'http://www.w3.org/2000/svg'
/** Rows drawn beyond each edge. */
const OVER = 6

export class Cell {
  readonly el: HTMLElement
  private readonly base: string
  private node: Text | null = null
  private text = ''
  private cls = ''
  private bar: HTMLElement | null = null
  private barWidth = -1
  /** Room for a column that builds something of its own inside the cell. */
  own: unknown = null

  constructor(el: HTMLElement, base: string) {
    this.el = el
    this.base = base
  }

  set(text: string, cls = ''): void {
    if (this.node === null) {
      this.node = document.createTextNode(text)
      this.el.append(this.node)
      this.text = text
    } else if (this.text !== text) {
      this.node.data = text
      this.text = text
    }
    this.mark(cls)
  }

  mark(cls: string): void {
    if (this.cls === cls) return
    this.cls = cls
    this.el.className = cls === '' ? this.base : `${this.base} ${cls}`
  }

  /** A bar behind the number; `part` 0..1. */
  fill(part: number, hue: string): void {
    const w = part > 0.012 ? Math.round(Math.min(1, part) * 100) : 0
    if (w === this.barWidth) return
    this.barWidth = w
    if (this.bar === null) {
      if (w === 0) return
      this.bar = document.createElement('i')
      this.bar.className = 'bar'
      this.bar.style.setProperty('--c', `var(${hue})`)
      this.el.prepend(this.bar)
    }
    this.bar.style.setProperty('--w', `${w}%`)
  }
}

export interface Column {
  id: string
  head: string
  /** Tooltip of the head. */
  help: string
  /** Smallest width in px, and the share of what is left (0: none). */
  width: [number, number]
  num: boolean
  sortable: boolean
  /** Class of every cell beside `num`. */
  cls?: string
  paint(cell: Cell, index: number): void
  /** Tooltip of a cell, made when the pointer comes. */
  tip?(index: number): string
}

export interface Model {
  count(): number
  /** Identity of a row: decides its element id and whether it is the selected one. */
  id(index: number): string
  rowClass(index: number): string
  /** aria-level and aria-expanded of trees and groups. */
  expanded?(index: number): boolean | null
}

export interface Events {
  sort(id: string): void
  select(index: number): void
  open(index: number): void
  menu(index: number, x: number, y: number): void
  /** A click on the fold mark (element with class `fold`). */
  fold?(index: number): void
  resize?(id: string, px: number): void
  hover?(on: boolean): void
  /** The table was scrolled or resized and must be drawn again. */
  draw(): void
}

interface Line { el: HTMLElement; cells: Cell[]; index: number; cls: string; id: string; y: number; expanded: string }

let instances = 0

export class Grid {
  readonly root: HTMLElement
  readonly scroller: HTMLElement
  private readonly head: HTMLElement
  private readonly body: HTMLElement
  private readonly events: Events
  private readonly prefix: string
  private columns: Column[] = []
  private model: Model | null = null
  private lines: Line[] = []
  private selected: string | null = null
  private sortId = ''
  private sortDescending = true
  private height = 0
  private rowHeight = 24
  private headHeight = 28
  private viewHeight = 0
  private readonly observer: ResizeObserver
  private resizing: { id: string; x: number; w: number } | null = null
  private justResized = false
  private rowCount = -1
  private dirty = true

  constructor(root: HTMLElement, label: string, events: Events) {
    instances += 1
    this.prefix = `g${instances}`
    this.root = root
    this.events = events
    root.classList.add('grid')
    root.setAttribute('role', 'grid')
    root.setAttribute('aria-label', label)
    root.tabIndex = 0
    // The grid itself scrolls: whoever has the focus in it can also scroll it.
    this.scroller = root
    const top = make('div', 'headrow')
    top.setAttribute('role', 'rowgroup')
    this.head = make('div', 'gr gh')
    this.head.setAttribute('role', 'row')
    this.head.setAttribute('aria-rowindex', '1')
    top.append(this.head)
    this.body = make('div', 'body')
    this.body.setAttribute('role', 'rowgroup')
    root.append(top, this.body)
    this.scroller.addEventListener('scroll', () => { events.draw() }, { passive: true })
    this.observer = new ResizeObserver(() => {
      this.measure()
      events.draw()
    })
    this.observer.observe(this.scroller)
    this.body.addEventListener('click', (e) => { this.onClick(e) })
    this.body.addEventListener('dblclick', (e) => {
      const i = this.at(e)
      if (i >= 0) events.open(i)
    })
    this.body.addEventListener('contextmenu', (e) => {
      const i = this.at(e)
      if (i < 0) return
      e.preventDefault()
      events.select(i)
      events.menu(i, e.clientX, e.clientY)
    })
    this.body.addEventListener('mouseover', (e) => { this.onOver(e) })
    root.addEventListener('pointerenter', () => { events.hover?.(true) })
    root.addEventListener('pointerleave', () => { events.hover?.(false) })
    this.head.addEventListener('click', (e) => { this.onHead(e) })
    this.head.addEventListener('pointerdown', (e) => { this.onGrip(e) })
    this.head.addEventListener('pointermove', (e) => {
      if (this.resizing !== null) events.resize?.(this.resizing.id, Math.max(30, Math.round(this.resizing.w + e.clientX - this.resizing.x)))
    })
    const stop = (): void => {
      if (this.resizing !== null) this.justResized = true
      this.resizing = null
    }
    this.head.addEventListener('pointerup', stop)
    this.head.addEventListener('pointercancel', stop)
  }

  destroy(): void {
    this.observer.disconnect()
    this.root.replaceChildren()
  }

  /** Rows that can be expanded belong to a tree grid. */
  setTree(on: boolean): void {
    this.root.setAttribute('role', on ? 'treegrid' : 'grid')
  }

  setLabel(label: string): void {
    this.root.setAttribute('aria-label', label)
  }

  setModel(model: Model): void {
    this.model = model
    for (const l of this.lines) l.index = -1
  }

  setColumns(columns: Column[]): void {
    const same = columns.length === this.columns.length && columns.every((c, i) => c.id === this.columns[i]?.id)
    this.columns = columns
    const tracks = columns.map((c) => (c.width[1] > 0 ? `minmax(${c.width[0]}px,${c.width[1]}fr)` : `${c.width[0]}px`)).join(' ')
    this.root.style.setProperty('--cols', tracks)
    this.root.style.setProperty('--min', `${columns.reduce((a, c) => a + c.width[0], 0)}px`)
    this.root.setAttribute('aria-colcount', String(columns.length))
    if (same && this.head.childElementCount === columns.length) {
      this.paintHead()
      this.dirty = true
      return
    }
    this.head.replaceChildren(
      ...columns.map((c, i) => {
        const h = make('span', `${c.num ? 'num' : ''} c-${c.id}`.trim())
        h.setAttribute('role', 'columnheader')
        h.setAttribute('aria-colindex', String(i + 1))
        h.dataset['col'] = c.id
        if (c.head === '') h.setAttribute('aria-label', c.help)
        else {
          const grip = make('i', 'grip')
          h.append(document.createTextNode(c.head), grip)
        }
        return h
      }),
    )
    this.paintHead()
    for (const l of this.lines) l.el.remove()
    this.lines = []
    this.measure()
    this.dirty = true
  }

  setSort(id: string, descending: boolean): void {
    this.sortId = id
    this.sortDescending = descending
    this.paintHead()
  }

  private paintHead(): void {
    this.columns.forEach((c, i) => {
      const h = this.head.children[i] as HTMLElement | undefined
      if (h === undefined) return
      const on = c.id === this.sortId
      h.classList.toggle('sort', on)
      h.classList.toggle('nosort', !c.sortable)
      if (on) h.setAttribute('aria-sort', this.sortDescending ? 'descending' : 'ascending')
      else h.removeAttribute('aria-sort')
      const text = c.head + (on ? (this.sortDescending ? ' ↓' : ' ↑') : '')
      const node = h.firstChild
      if (node instanceof Text && node.data !== text) node.data = text
      if (h.title !== c.help) h.title = c.help
    })
  }

  setSelected(id: string | null): void {
    this.selected = id
  }

  measure(): void {
    this.viewHeight = this.scroller.clientHeight
    const style = getComputedStyle(this.root)
    this.rowHeight = Number.parseFloat(style.getPropertyValue('--row-h')) || 24
    this.headHeight = this.head.offsetHeight
  }

  /** How many rows fit the screen. */
  get page(): number {
    return Math.max(1, Math.floor((this.viewHeight - this.headHeight) / this.rowHeight))
  }

  /** How many rows there are from the first down to the last in sight. */
  get bottom(): number {
    return Math.ceil((this.scroller.scrollTop + this.viewHeight) / this.rowHeight) + OVER
  }

  reveal(index: number): void {
    const top = index * this.rowHeight
    const room = this.viewHeight - this.headHeight
    const y = this.scroller.scrollTop
    if (top < y) this.scroller.scrollTop = top
    else if (top + this.rowHeight > y + room) this.scroller.scrollTop = top + this.rowHeight - room
  }

  /** Where the row is on the screen; for a menu opened from the keyboard. */
  place(index: number): { x: number; y: number } {
    const r = this.scroller.getBoundingClientRect()
    return { x: r.left + 96, y: Math.min(r.bottom - 8, r.top + this.headHeight + (index + 1) * this.rowHeight - this.scroller.scrollTop) }
  }

  /** Draws what is on screen. `all`: values may have changed; otherwise only rows that came into sight. */
  render(all: boolean): void {
    const m = this.model
    if (m === null) return
    const n = m.count()
    const h = n * this.rowHeight
    if (h !== this.height) {
      this.height = h
      this.body.style.height = `${h}px`
    }
    if (n !== this.rowCount) {
      this.rowCount = n
      this.root.setAttribute('aria-rowcount', String(n + 1))
    }
    const top = this.scroller.scrollTop
    const first = Math.max(0, Math.floor(top / this.rowHeight) - OVER)
    const last = Math.min(n, Math.ceil((top + this.viewHeight) / this.rowHeight) + OVER)
    const need = Math.max(last - first, 0)
    this.pool(need)
    const k = this.lines.length
    const fresh = all || this.dirty
    this.dirty = false
    let active = ''
    for (let i = 0; i < k; i += 1) {
      // A row number always falls to the same line, so that scrolling by one row rewrites one row.
      const index = k === 0 ? -1 : first + ((i - (first % k) + k) % k)
      const line = this.lines[i] as Line
      if (index >= last || index >= n) {
        if (line.index !== -1) {
          line.index = -1
          line.el.hidden = true
        }
        continue
      }
      const moved = line.index !== index
      if (moved) {
        if (line.index === -1) line.el.hidden = false
        line.index = index
        line.el.setAttribute('aria-rowindex', String(index + 2))
      }
      if (moved || fresh) {
        const y = index * this.rowHeight
        if (y !== line.y) {
          line.y = y
          line.el.style.transform = `translateY(${y}px)`
        }
        const id = m.id(index)
        if (id !== line.id) {
          line.id = id
          line.el.id = `${this.prefix}-${id}`
        }
        const cells = line.cells
        for (let c = 0; c < cells.length; c += 1) (this.columns[c] as Column).paint(cells[c] as Cell, index)
      }
      const isSelected = line.id === this.selected
      if (isSelected) active = line.el.id
      const cls = `gr ${m.rowClass(index)}${isSelected ? ' sel' : ''}`
      if (cls !== line.cls) {
        line.cls = cls
        line.el.className = cls
        line.el.setAttribute('aria-selected', String(isSelected))
      }
      const expanded = m.expanded?.(index) ?? null
      const text = expanded === null ? '' : String(expanded)
      if (text !== line.expanded) {
        line.expanded = text
        if (text === '') line.el.removeAttribute('aria-expanded')
        else line.el.setAttribute('aria-expanded', text)
      }
    }
    if (active === '') this.root.removeAttribute('aria-activedescendant')
    else if (this.root.getAttribute('aria-activedescendant') !== active) this.root.setAttribute('aria-activedescendant', active)
  }

  private pool(need: number): void {
    // The pool only grows, in steps, so that a row keeps its line while the window scrolls.
    if (need <= this.lines.length) return
    const size = need + OVER
    const fragment = document.createDocumentFragment()
    while (this.lines.length < size) {
      const el = make('div', 'gr')
      el.setAttribute('role', 'row')
      el.hidden = true
      const cells = this.columns.map((c, i) => {
        const base = `${c.num ? 'num ' : ''}c-${c.id}${c.cls === undefined ? '' : ` ${c.cls}`}`
        const cell = make('span', base)
        cell.setAttribute('role', 'gridcell')
        cell.setAttribute('aria-colindex', String(i + 1))
        el.append(cell)
        return new Cell(cell, base)
      })
      fragment.append(el)
      this.lines.push({ el, cells, index: -1, cls: '', id: '', y: -1, expanded: '' })
    }
    this.body.append(fragment)
    for (const l of this.lines) l.index = -1
    this.dirty = true
  }

  private at(e: Event): number {
    const row = (e.target as Element).closest('.gr')
    const line = this.lines.find((l) => l.el === row)
    return line === undefined ? -1 : line.index
  }

  private onClick(e: MouseEvent): void {
    const i = this.at(e)
    if (i < 0) return
    if ((e.target as Element).closest('.fold') !== null && this.events.fold !== undefined) this.events.fold(i)
    else this.events.select(i)
  }

  private onOver(e: MouseEvent): void {
    const el = (e.target as Element).closest<HTMLElement>('[role=gridcell]')
    if (el === null) return
    const i = this.at(e)
    const column = this.columns[Number(el.getAttribute('aria-colindex')) - 1]
    if (i < 0 || column === undefined) return
    const tip = column.tip?.(i) ?? (el.scrollWidth > el.clientWidth + 1 ? (el.textContent ?? '') : '')
    if (el.title !== tip) el.title = tip
  }

  private onHead(e: MouseEvent): void {
    if (this.justResized) {
      this.justResized = false
      return
    }
    const id = (e.target as Element).closest<HTMLElement>('[data-col]')?.dataset['col']
    if (id !== undefined && this.columns.find((c) => c.id === id)?.sortable === true) this.events.sort(id)
  }

  private onGrip(e: PointerEvent): void {
    this.justResized = false
    const grip = (e.target as Element).closest('.grip')
    const h = grip?.parentElement
    if (grip === null || h === null || h === undefined || this.events.resize === undefined) return
    this.resizing = { id: h.dataset['col'] ?? '', x: e.clientX, w: h.getBoundingClientRect().width }
    this.head.setPointerCapture(e.pointerId)
    e.preventDefault()
  }
}

function make(tag: string, cls: string): HTMLElement {
  const el = document.createElement(tag)
  if (cls !== '') el.className = cls
  return el
}

/** The sparkline of a cell: an area and a line. */
export class Spark {
  private readonly area: SVGPathElement
  private readonly line: SVGPathElement
  private d = ''
  private hue = ''

  constructor(cell: Cell) {
    const svg = document.createElementNS(SVG, 'svg')
    svg.setAttribute('class', 'spk')
    svg.setAttribute('viewBox', '0 0 64 23')
    svg.setAttribute('preserveAspectRatio', 'none')
    svg.setAttribute('aria-hidden', 'true')
    this.area = document.createElementNS(SVG, 'path')
    this.area.setAttribute('class', 'spk-a')
    this.line = document.createElementNS(SVG, 'path')
    this.line.setAttribute('class', 'spk-l')
    svg.append(this.area, this.line)
    cell.el.append(svg)
  }

  /**
   * `values[from..from+n]`, newest last, right-aligned in `places`. `floor` keeps noise flat. The height lies between
   * the row's own largest value and the table's (`top`): the shape can be read, and a heavy row still stands higher.
   */
  draw(values: Float32Array, from: number, n: number, places: number, floor: number, top: number, hue: string): void {
    let max = floor
    for (let i = 0; i < n; i += 1) {
      const v = values[from + i] as number
      if (v > max) max = v
    }
    if (top > max) max = Math.sqrt(max * top)
    let d = ''
    let firstX = 0
    let lastX = 0
    // Two samples a point: 30 points are what 74 px can show.
    for (let i = n & 1; i + 1 < n; i += 2) {
      const a = values[from + i] as number
      const b = values[from + i + 1] as number
      const v = a !== a ? b : b !== b ? a : Math.max(a, b)
      if (v !== v) continue
      const x = Math.round(((places - n + i + 1) / (places - 1)) * 640) / 10
      const y = Math.round((20 - (Math.max(0, v) / (max * 1.12)) * 17) * 10) / 10
      if (d === '') firstX = x
      d += `${d === '' ? 'M' : 'L'}${x} ${y}`
      lastX = x
    }
    if (d === this.d && hue === this.hue) return
    this.d = d
    this.line.setAttribute('d', d)
    this.area.setAttribute('d', d === '' ? '' : `${d}L${lastX} 21L${firstX} 21Z`)
    if (hue !== this.hue) {
      this.hue = hue
      this.line.style.stroke = `var(${hue})`
      this.area.style.fill = `var(${hue})`
    }
  }
}
