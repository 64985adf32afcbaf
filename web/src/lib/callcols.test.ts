import { describe, expect, it } from 'vitest'
import { bars, isOf, itemsOf, moreOf, sortItems } from './callcols'
import type { Line, State } from './watch'

const share = { calls: 0, errors: 0, total: 0 }
const state: State = {
  type: 'state', at: 0, calls: 9, errors: 3, lost: 0, not_followed: 0, ends_at: 0, lines: 0, bytes: 0, paused: false, choice: { filter: '', failed: false, slower: 0 }, under_way: [],
  rows: [{ name: 'read', calls: 9, errors: 3, total: 1, mean: 0.1, p50: 0.1, p99: 0.2, max: 0.3, buckets: [0, 2] }],
  threads: [{ pid: 5, tid: 6, name: 'worker', calls: 4, errors: 0, total: 0.5 }, { pid: 5, tid: 5, calls: 5, errors: 3, total: 0.5 }],
  more_threads: { ...share, calls: 7 },
  files: [{ name: '/a', calls: 9, errors: 0, total: 1 }],
  more_files: share,
  failures: [{ error: 'EAGAIN', words: 'Resource temporarily unavailable', name: 'read', calls: 3 }],
  more_failures: share,
}
const line: Line = { at: 0, pid: 5, tid: 6, kind: 'call', name: 'read', args: '3</a>, "x", 1', result: '-1 EAGAIN (Resource temporarily unavailable)', error: 'EAGAIN' }

describe('tables beside a trace', () => {
  it('have a row for each call, thread, file and error', () => {
    expect(itemsOf(null, 'call')).toEqual([])
    expect(itemsOf(state, 'call')[0]).toMatchObject({ id: 'read', name: 'read', mean: 0.1, p99: 0.2, buckets: [0, 2] })
    expect(itemsOf(state, 'thread').map((t) => [t.id, t.name, t.calls, t.errors])).toEqual([['6', '6 worker', 4, 0], ['5', '5 ', 5, 3]])
    expect(itemsOf(state, 'file')[0]).toMatchObject({ id: '/a', name: '/a', total: 1 })
    const long = '/usr/lib/python3/dist-packages/nothing.py'
    expect(itemsOf({ ...state, files: [{ ...share, name: long }] }, 'file')[0]).toMatchObject({ id: long, name: '…hon3/dist-packages/nothing.py', tip: long })
    expect(itemsOf(state, 'error')[0]).toMatchObject({ id: 'EAGAIN read', tip: 'Resource temporarily unavailable', calls: 3 })
    expect(moreOf(state, 'thread')?.calls).toBe(7)
    expect(moreOf(state, 'call')).toBeUndefined()
  })
  it('know which lines belong to a row', () => {
    expect(isOf(line, 'call', 'read') && !isOf(line, 'call', 'write')).toBe(true)
    expect(isOf(line, 'thread', '6') && !isOf(line, 'thread', '5')).toBe(true)
    expect(isOf(line, 'file', '/a') && !isOf(line, 'file', '/b')).toBe(true)
    expect(isOf({ ...line, args: 'AT_FDCWD</>, "x", O_RDONLY', result: '3</home/of/somebody>' }, 'file', '…of/somebody')).toBe(true)
    expect(isOf({ ...line, args: 'AT_FDCWD</home>, "x", O_RDONLY', result: '-1 ENOENT (No such file or directory)' }, 'file', '/home/x')).toBe(true)
    expect(isOf({ ...line, args: '3</a/b>, "/a/bc", 1' }, 'file', '/a')).toBe(false)
    expect(isOf({ ...line, args: '"/a", 1' }, 'file', '/a')).toBe(true)
    expect(isOf({ ...line, name: 'syscall_0x1b3', error: '', result: '-1 (errno 600)' }, 'error', 'errno 600 (others)')).toBe(true)
    expect(isOf(line, 'error', 'EAGAIN read') && !isOf(line, 'error', 'ENOENT read')).toBe(true)
  })
  it('are sorted by a column, equal ones by name', () => {
    const items = itemsOf(state, 'thread')
    expect(sortItems(items, 'calls', true).map((t) => t.id)).toEqual(['5', '6'])
    expect(sortItems(items, 'total', true).map((t) => t.id)).toEqual(['5', '6'])
    expect(sortItems(items, 'name', true).map((t) => t.id)).toEqual(['6', '5'])
  })
  it('draw a bar where there were calls', () => {
    expect(bars([])).toBe('')
    expect(bars([4])).toBe('M0 18v-16h3V18z')
  })
})
