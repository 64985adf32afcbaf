// Saves what the table shows as a file.

import * as f from './format'
import type { Row, Value } from './types'

export function csv(columns: { id: string; head: string }[], rows: Row[]): string {
  const cell = (v: Value | undefined): string => {
    if (v === null || v === undefined) return ''
    // A text that starts like a formula is disarmed for spreadsheets.
    const text = typeof v === 'string' && /^[=+\-@\t\r]/.test(v) ? `'${v}` : String(v)
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }
  return `${[columns.map((c) => c.id).join(','), ...rows.map((r) => columns.map((c) => cell(r[c.id])).join(','))].join('\r\n')}\r\n`
}

export function save(kind: 'csv' | 'json', columns: readonly string[], list: Row[], what: { at: number; host: string; q: string; zone: string | undefined }): void {
  const body = kind === 'csv' ? csv(columns.map((id) => ({ id, head: id })), list) : `${JSON.stringify({ at: what.at, host: what.host, q: what.q, items: list }, null, 1)}\n`
  const stamp = f.instant(what.at, { locale: 'en', zone: what.zone }).replace(/[-:]/g, '').replace(' ', '-')
  saveText(body, `processes-${what.host}-${stamp}.${kind}`, kind === 'csv' ? 'text/csv' : 'application/json')
}

/** Hands a text to the browser as a file. */
export function saveText(body: string, name: string, type: string): void {
  const url = URL.createObjectURL(new Blob([body], { type }))
  const a = document.createElement('a')
  a.href = url
  a.download = name
  a.click()
  setTimeout(() => { URL.revokeObjectURL(url) }, 1000)
}
