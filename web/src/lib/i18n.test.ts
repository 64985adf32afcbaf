import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { fill, keys, loadLanguage, ordinal, raw, translate } from './i18n'
import { more } from './words'
import { zh } from './zh'

const names = (s: string): string[] => [...s.matchAll(/\{(\w+)[}|]/g)].map((m) => m[1]!).sort().filter((x, i, a) => a.indexOf(x) === i)

beforeAll(() => loadLanguage('zh'))

describe('messages', () => {
  it.each(keys())('%s stands in both languages with the same placeholders', (key) => {
    const en = raw(key, 'en')
    const zh = raw(key, 'zh')
    expect(en.trim()).not.toBe('')
    expect(zh.trim()).not.toBe('')
    expect(names(zh)).toEqual(names(en))
  })

  it('uses full-width punctuation in Chinese sentences', () => {
    for (const key of keys()) {
      // A comma or full stop right after a Chinese character must be the Chinese one.
      expect(raw(key, 'zh'), key).not.toMatch(/[\u4e00-\u9fff][,;!?](\s|$)/)
    }
  })
})

/** The files that a file imports without asking, and so on; types leave nothing behind. */
function closure(file: string, found = new Map<string, string>()): Map<string, string> {
  const text = ['', '.ts', '.svelte.ts'].map((end) => { try { return [file + end, readFileSync(file + end, 'utf8')] as const } catch { return null } }).find((x) => x !== null)
  if (text === undefined || text === null) throw new Error(`no file ${file}`)
  if (found.has(text[0])) return found
  found.set(text[0], text[1])
  for (const m of text[1].matchAll(/^\s*(?:import|export)\s+(?!type\b)(?:[^'"]*?from\s+)?'(\.[^']+)'/gm)) if (!m[1]!.endsWith('.css')) closure(resolve(dirname(text[0]), m[1]!), found)
  return found
}

describe('what is loaded first', () => {
  const first = closure(resolve(import.meta.dirname, '../main.ts'))
  // The track of the time bar comes on its own, before the rest.
  closure(resolve(import.meta.dirname, '../ui/Track.svelte'), first)
  it('has all of its words at once', () => {
    expect([...first.keys()].some((x) => x.endsWith('ProcTab.svelte'))).toBe(true)
    expect([...first.keys()].some((x) => x.endsWith('words.ts'))).toBe(false)
    for (const [file, text] of first) {
      const later = [...text.matchAll(/\bt(?:ranslate)?\((?:[^'()]*[?,] )?'(\w+)'/g)].map((m) => m[1]!).filter((k) => k in more)
      expect(later, file).toEqual([])
    }
  })
  it('Chinese has no word that English lacks', () => {
    expect(Object.keys(zh).sort()).toEqual([...keys()].sort())
  })
})

describe('fill', () => {
  it('fills placeholders and plurals', () => {
    expect(translate('en', 'processCount', { n: '1', nCount: 1 })).toBe('1 process')
    expect(translate('en', 'processCount', { n: '3 811', nCount: 3811 })).toBe('3 811 processes')
    expect(translate('zh', 'processCount', { n: 1 })).toBe('1 个进程')
    expect(fill('{a} and {b}', 'en', { a: 1, b: null })).toBe('1 and —')
    expect(fill('{a}', 'en', {})).toBe('{a}')
    expect(translate('en', 'ofCores', { n: 2, percent: '40 %' })).toBe('of 2 cores · 40 %')
  })
  it('counts attempts', () => {
    expect([1, 2, 3, 4, 11, 22].map((n) => ordinal(n, 'en'))).toEqual(['1st', '2nd', '3rd', '4th', '11th', '22nd'])
    expect(ordinal(3, 'zh')).toBe('3')
  })
})
