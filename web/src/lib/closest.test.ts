import { describe, expect, it } from 'vitest'
import { conditions, loosened, wordsOf } from './closest'

describe('conditions', () => {
  it('are split where they are joined, not within brackets or quotes', () => {
    expect(conditions('name == "a && b" && (cpu > 1 && rss > 2) && pid > 3')).toEqual(['name == "a && b"', '(cpu > 1 && rss > 2)', 'pid > 3'])
    expect(conditions('cmd.contains("\\"&&")&&cpu>1')).toEqual(['cmd.contains("\\"&&")', 'cpu>1'])
    expect(conditions('cpu > 1 || rss > 2 && pid > 3')).toEqual(['cpu > 1 || rss > 2 && pid > 3'])
    expect(conditions('')).toEqual([])
  })
})

describe('loosened', () => {
  it('leaves out numbers first, and says which end is closest', () => {
    expect(loosened('name == "mysqld" && cpu > 64.0', false)).toEqual([
      { term: 'cpu > 64.0', rest: 'name == "mysqld"', by: { field: 'cpu', sort: '-cpu' } },
      { term: 'name == "mysqld"', rest: 'cpu > 64.0', by: null },
    ])
    expect(loosened('age < 5.min', false)).toEqual([{ term: 'age < 5.min', rest: '', by: { field: 'age', sort: 'age' } }])
    expect(loosened('name == "x"', false)).toEqual([])
  })
  it('leaves out words one by one, the last first', () => {
    expect(loosened('mysql 3309 x', true).map((x) => x.rest)).toEqual(['mysql 3309', 'mysql x', '3309 x'])
  })
})

describe('wordsOf', () => {
  it('takes what stands in quotes', () => {
    expect(wordsOf('name == "mysqld" && user == "my" && cpu > 2', false)).toBe('mysqld my')
    expect(wordsOf(' backup  3309', true)).toBe('backup  3309')
    expect(wordsOf('cpu > 2', false)).toBe('')
  })
})
