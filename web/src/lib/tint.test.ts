import { describe, expect, it } from 'vitest'
import { tint } from './tint'

describe('tint', () => {
  it('finds texts, flags and what descriptors point to', () => {
    expect(tint('AT_FDCWD, "/a \\"b\\" C_D"..., O_RDONLY|O_CLOEXEC, 3</dev/null>, x<y>')).toEqual([
      ['f', 'AT_FDCWD'], ['', ', '], ['s', '"/a \\"b\\" C_D"...'], ['', ', '], ['f', 'O_RDONLY'], ['', '|'], ['f', 'O_CLOEXEC'], ['', ', 3'], ['p', '</dev/null>'], ['', ', x<y>'],
    ])
  })
  it('loses nothing', () => {
    for (const text of ['', '"open', '0x7f, NULL', '"\\', '1<', '[{A=1}, "x"]']) expect(tint(text).map((x) => x[1]).join('')).toBe(text)
  })
})
