import { describe, expect, it } from 'vitest'
import { Feed, KEPT } from './feed'
import { textOf, type Line } from './watch'

const call = (name: string, rest: Partial<Line> = {}): Line => ({ at: 0, pid: 1, tid: 1, kind: 'call', name, args: '', result: '0', duration: 0.001, ...rest })

describe('textOf', () => {
  it('puts the parts of a call together as strace does', () => {
    expect(textOf(call('close', { args: '3', result: '-1 EBADF (Bad file descriptor)' }))).toBe('close(3)                                = -1 EBADF (Bad file descriptor)')
    expect(textOf(call('read', { args: `3, "${'x'.repeat(40)}", 40`, result: '40' }))).toBe(`read(3, "${'x'.repeat(40)}", 40) = 40`)
    expect(textOf(call('exit', { kind: 'signal', line: '--- SIGINT ---' }))).toBe('--- SIGINT ---')
  })
})

describe('Feed', () => {
  it('keeps the newest lines and counts all', () => {
    const f = new Feed()
    for (let i = 0; i < 20; i += 1) f.add(Array.from({ length: 500 }, (_, k) => call('read', { at: i * 500 + k })))
    expect(f.lines).toHaveLength(KEPT)
    expect(f.lines[0]?.at).toBe(10_000 - KEPT)
    expect(f.total).toBe(10_000)
  })
  it('holds the slowest calls, longest first', () => {
    const f = new Feed()
    f.add([3, 9, 1, 7, 5, 2, 8].map((d) => call('futex', { duration: d })))
    f.add([call('exit_group')])
    expect(f.slowest.map((l) => l.duration)).toEqual([9, 8, 7, 5, 3])
  })
  it('shows where something is missing, and leaves out what says nothing', () => {
    const f = new Feed()
    f.add([{ at: 1, pid: 1, tid: 1, kind: 'followed', line: '' }, { at: 2, pid: 0, tid: 0, kind: 'lost', line: '', lost: 12 }])
    f.missing('missed', 3, 4)
    f.missing('skipped', 5, 4)
    expect(f.lines.map((l) => [l.kind, l.lost])).toEqual([['lost', 12], ['missed', 3], ['skipped', 5]])
  })
})
