import { describe, expect, it } from 'vitest'
import { complete, fromBytes, hasTerm, isPlain, toggleTerm, tokens } from './filter'

const ids = new Set(['cpu', 'name', 'cmd', 'user', 'label', 'pid', 'state', 'age', 'rss', 'kthread'])
const fields = [
  { id: 'cpu', title: 'CPU', text: false },
  { id: 'cpu_user', title: 'CPU, user', text: false },
  { id: 'name', title: 'Name', text: true },
  { id: 'rss', title: 'Resident memory', text: false },
]

describe('tokens', () => {
  it('colours fields, numbers with units, texts and operators and loses nothing', () => {
    const text = 'cpu >= 2.0 || rss >= 10.GiB && name == "a b" + x'
    const t = tokens(text, ids)
    expect(t.map((x) => x.text).join('')).toBe(text)
    expect(t.filter((x) => x.kind === 'field').map((x) => x.text)).toEqual(['cpu', 'rss', 'name'])
    expect(t.filter((x) => x.kind === 'number').map((x) => x.text)).toEqual(['2.0', '10.GiB'])
    expect(t.filter((x) => x.kind === 'string').map((x) => x.text)).toEqual(['"a b"'])
  })
  it('copes with an open quote', () => {
    expect(tokens('name == "my', ids).at(-1)).toEqual({ kind: 'string', text: '"my' })
  })
})

describe('plain words', () => {
  it.each([['mysqld', true], ['mysqld :3309', true], ['/usr/bin/x', true], ['cpu > 2', false], ['name == "x"', false], ['kthread', false], ['', false], ['!kthread', false]])('%s %s', (q, plain) => {
    expect(isPlain(q, ids)).toBe(plain)
  })
})

describe('complete', () => {
  const values = (): string[] => ['mysqld', 'mysqldump', 'nginx']
  it('proposes fields by id, then by title', () => {
    expect(complete('cp', 2, fields, values).map((c) => c.text)).toEqual(['cpu', 'cpu_user'])
    expect(complete('x && resi', 9, fields, values)).toEqual([{ text: 'rss', note: 'Resident memory', from: 5, to: 9 }])
    expect(complete('cpu >= 2.m', 10, fields, values)).toEqual([])
  })
  it('proposes values after a comparison of a text', () => {
    expect(complete('name == "my', 11, fields, values)).toEqual([
      { text: 'mysqld"', note: '', from: 9, to: 11 },
      { text: 'mysqldump"', note: '', from: 9, to: 11 },
    ])
    expect(complete('name == "my"', 11, fields, values)[0]).toMatchObject({ to: 12 })
    expect(complete('cpu == "my', 10, fields, values)).toEqual([])
  })
})

describe('fromBytes', () => {
  it('counts as the server does', () => {
    expect(fromBytes('abc', 2)).toBe(2)
    expect(fromBytes('进程 x', 7)).toBe(3)
    expect(fromBytes('a😀b', 5)).toBe(3)
    expect(fromBytes('ab', 99)).toBe(2)
  })
})

describe('terms', () => {
  it('are added and taken out again', () => {
    const term = 'state == "D"'
    expect(toggleTerm('', term, ids)).toBe(term)
    const both = toggleTerm('cpu > 1.0 || rss > 1.GiB', term, ids)
    expect(both).toBe('(cpu > 1.0 || rss > 1.GiB) && state == "D"')
    expect(hasTerm(both, term)).toBe(true)
    expect(toggleTerm(both, term, ids)).toBe('cpu > 1.0 || rss > 1.GiB')
    expect(toggleTerm('a && state == "D" && b', term, ids)).toBe('a && b')
    expect(hasTerm('cpu > 1.0', term)).toBe(false)
  })
})
