// Arguments of a call in parts that look different: texts, what descriptors point to, names of flags.

export type Tint = 's' | 'p' | 'f' | ''

const PARTS = /("(?:[^"\\]|\\.)*"(?:\.\.\.)?)|((?<=\d)<[^>]*>)|(\b[A-Z][A-Z0-9_]{2,}\b)/g

export function tint(args: string): [Tint, string][] {
  const out: [Tint, string][] = []
  let from = 0
  for (const m of args.matchAll(PARTS)) {
    if (m.index > from) out.push(['', args.slice(from, m.index)])
    out.push([m[1] !== undefined ? 's' : m[2] !== undefined ? 'p' : 'f', m[0]])
    from = m.index + m[0].length
  }
  if (from < args.length) out.push(['', args.slice(from)])
  return out
}
