// Help around the filter expression: colouring, completion, plain words. What an expression means is decided by the
// server alone.

export interface Token { kind: 'field' | 'op' | 'number' | 'string' | 'text'; text: string }

const TOKEN = /("(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?)|(&&|\|\||[<>=!]=|[<>!+\-*/%?:])|(\d+(?:\.\d+)?(?:\.?(?:[KMGT]i?B|B|ms|s|min|h|d))?)\b|([A-Za-z_]\w*)|([\s\S])/g

/** Splits an expression for colouring; joined again, the tokens are the text. */
export function tokens(text: string, fields: ReadonlySet<string>): Token[] {
  const out: Token[] = []
  for (const m of text.matchAll(TOKEN)) {
    const [all, str, op, num, word] = m
    const kind = str !== undefined ? 'string' : op !== undefined ? 'op' : num !== undefined ? 'number' : word !== undefined && fields.has(word) ? 'field' : 'text'
    const last = out[out.length - 1]
    if (last !== undefined && last.kind === 'text' && kind === 'text') last.text += all
    else out.push({ kind, text: all })
  }
  return out
}

const WORD = /^[\w.:/@-]+$/

/** True for plain words (`mysqld :3309`), which are searched for rather than evaluated. */
export function isPlain(q: string, fields: ReadonlySet<string>): boolean {
  const words = q.trim().split(/\s+/)
  if (words.length === 0 || words[0] === '') return false
  return words.every((w) => WORD.test(w)) && !(words.length === 1 && fields.has(words[0] as string))
}

export interface Completion { text: string; note: string; from: number; to: number }

interface Field { id: string; title: string; text: boolean }

/** Proposals at the caret: fields, or values right after a comparison of a text field. */
export function complete(q: string, caret: number, fields: readonly Field[], values: (id: string) => string[]): Completion[] {
  const before = q.slice(0, caret)
  const quoted = /([A-Za-z_]\w*)\s*(?:==|!=)\s*"([^"]*)$/.exec(before)
  if (quoted !== null) {
    const field = fields.find((f) => f.id === quoted[1])
    if (field === undefined || !field.text) return []
    const part = quoted[2] as string
    const end = q.slice(caret).startsWith('"') ? caret + 1 : caret
    return values(field.id)
      .filter((v) => v.toLowerCase().startsWith(part.toLowerCase()) && v !== part)
      .slice(0, 8)
      .map((v) => ({ text: `${v.replace(/["\\]/g, '\\$&')}"`, note: '', from: caret - part.length, to: end }))
  }
  // Inside any other quote nothing is proposed.
  if ((before.match(/"/g)?.length ?? 0) % 2 === 1) return []
  const bare = /([A-Za-z_]\w*)$/.exec(before)
  if (bare === null) return []
  const part = bare[1] as string
  const from = caret - part.length
  if (/[.\d]$/.test(before.slice(0, from))) return []
  const low = part.toLowerCase()
  const starts = fields.filter((f) => f.id.startsWith(low) && f.id !== part)
  const contains = low.length < 2 ? [] : fields.filter((f) => !f.id.startsWith(low) && f.title.toLowerCase().includes(low))
  return [...starts, ...contains].slice(0, 8).map((f) => ({ text: f.id, note: f.title, from, to: caret }))
}

/** A place in bytes, as the server counts, to a place in UTF-16, as the browser does. */
export function fromBytes(text: string, offset: number): number {
  let bytes = 0
  let i = 0
  for (const c of text) {
    if (bytes >= offset) return i
    const p = c.codePointAt(0) as number
    bytes += p < 0x80 ? 1 : p < 0x800 ? 2 : p < 0x10000 ? 3 : 4
    i += c.length
  }
  return i
}

/** Adds a condition to an expression, or takes it out again. */
export function toggleTerm(q: string, term: string, fields: ReadonlySet<string>): string {
  const text = q.trim()
  if (text === term) return ''
  if (text.endsWith(` && ${term}`)) return unwrap(text.slice(0, -` && ${term}`.length))
  if (text.startsWith(`${term} && `)) return unwrap(text.slice(`${term} && `.length))
  if (text.includes(` && ${term} && `)) return text.replace(` && ${term} && `, ' && ')
  if (text === '' || isPlain(text, fields)) return term
  return /\|\||\?/.test(text) && !/^\([^()]*\)$/.test(text) ? `(${text}) && ${term}` : `${text} && ${term}`
}

function unwrap(text: string): string {
  return /^\([^()]*\)$/.test(text) ? text.slice(1, -1) : text
}

export function hasTerm(q: string, term: string): boolean {
  return ` && ${q.trim()} && `.includes(` && ${term} && `)
}
