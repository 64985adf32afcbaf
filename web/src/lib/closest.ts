// What comes closest to a filter that nothing matches: the filter without one of its conditions.

export interface Loosened {
  /** The condition that is left out. */
  term: string
  /** The filter without it. */
  rest: string
  /** What the condition compares with a number, and which end of it is closest; null where it compares nothing. */
  by: { field: string; sort: string } | null
}

/** Parts of an expression between `&&` that stand in no brackets and no quotes. */
export function conditions(q: string): string[] {
  const out: string[] = []
  let depth = 0
  let quote = ''
  let begin = 0
  for (let i = 0; i < q.length; i += 1) {
    const c = q[i] as string
    if (quote !== '') {
      if (c === '\\') i += 1
      else if (c === quote) quote = ''
    } else if (c === '"' || c === "'") quote = c
    else if (c === '(' || c === '[') depth += 1
    else if (c === ')' || c === ']') depth -= 1
    else if (depth === 0 && q.startsWith('||', i)) return [q.trim()]
    else if (depth === 0 && q.startsWith('&&', i)) {
      out.push(q.slice(begin, i).trim())
      begin = i + 2
      i += 1
    }
  }
  out.push(q.slice(begin).trim())
  return out.filter((x) => x !== '')
}

/** The filters that lack one condition, those that compare numbers first: `cpu > 64` misses by an amount that can be told. */
export function loosened(q: string, plain: boolean): Loosened[] {
  const all = plain ? q.trim().split(/\s+/) : conditions(q)
  const out = all.map((term, i): Loosened => {
    const m = plain ? null : /^([a-z_]+)\s*(>=|<=|>|<)\s*[\d.]/.exec(term)
    const rest = all.filter((_, k) => k !== i).join(plain ? ' ' : ' && ')
    return { term, rest, by: m === null ? null : { field: m[1] as string, sort: (m[2] as string).startsWith('>') ? `-${m[1]}` : (m[1] as string) } }
  })
  return [...out.filter((x) => x.by !== null), ...out.filter((x) => x.by === null).reverse()].filter((x) => x.rest !== '' || x.by !== null)
}

/** The words of a filter that may be searched for in the past: what stands in quotes, or the plain words themselves. */
export function wordsOf(q: string, plain: boolean): string {
  if (plain) return q.trim()
  return [...q.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((m) => m[1] as string).filter((x) => x.length > 1).join(' ')
}
