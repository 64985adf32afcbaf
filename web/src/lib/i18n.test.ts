import { beforeAll, describe, expect, it } from 'vitest'
import { fill, keys, loadLanguage, ordinal, raw, translate } from './i18n'

const names = (s: string): string[] => [...s.matchAll(/\{(\w+)[}|]/g)].map((m) => m[1]!).sort().filter((x, i, a) => a.indexOf(x) === i)

beforeAll(() => loadLanguage('zh'))

describe('messages', () => {
  it.each(keys)('%s stands in both languages with the same placeholders', (key) => {
    const en = raw(key, 'en')
    const zh = raw(key, 'zh')
    expect(en.trim()).not.toBe('')
    expect(zh.trim()).not.toBe('')
    expect(names(zh)).toEqual(names(en))
  })

  it('uses full-width punctuation in Chinese sentences', () => {
    for (const key of keys) {
      // A comma or full stop right after a Chinese character must be the Chinese one.
      expect(raw(key, 'zh'), key).not.toMatch(/[\u4e00-\u9fff][,;!?](\s|$)/)
    }
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
