import { describe, expect, it } from 'vitest'
import { hasClass, toggleClass } from './choice'

describe('classes of a filter', () => {
  it.each([
    ['', '%file'],
    ['openat', 'openat,%file'],
    ['%file, openat', 'openat'],
    ['%filesystem', '%filesystem,%file'],
    ['!futex', '%file'],
  ])('%j becomes %j', (before, after) => {
    expect(toggleClass(before, 'file')).toBe(after)
    expect(hasClass(after, 'file')).toBe(!hasClass(before, 'file'))
  })
})
