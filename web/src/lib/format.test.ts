import { describe, expect, it } from 'vitest'
import * as f from './format'

const K = 1024
const M = K * K
const G = M * K
const utc = { locale: 'en', zone: 'UTC' }
const zh = { locale: 'zh-CN', zone: 'Asia/Shanghai' }
const at = Date.UTC(2026, 2, 12, 14, 32, 7)

function table<T>(name: string, fn: (v: T) => string, rows: readonly (readonly [T, string])[]): void {
  describe(name, () => {
    it.each(rows.map((r) => [r[0], r[1]] as [T, string]))('%s → %s', (value, text) => {
      expect(fn(value).replaceAll('\u202f', ' ')).toBe(text)
    })
  })
}

table('cpuPercent', f.cpuPercent, [
  [null, '—'], [Number.NaN, '—'], [0, '0'], [0.0004, '0'], [0.0005, '0.1'], [0.041, '4.1'], [0.18, '18.0'],
  [0.964, '96.4'], [0.9996, '100'], [0.9994, '99.9'], [11.842, '1184'], [1, '100'], [3.426, '343'],
])
table('bytes', f.bytes, [
  [null, '—'], [0, '0'], [0.2, '0'], [90, '90B'], [1023, '1023B'], [1024, '1.0K'], [4 * K, '4.0K'], [412 * K, '412K'],
  [10 * K, '10K'], [1023.6 * K, '1.0M'], [8.9 * G, '8.9G'], [41.6 * G, '41.6G'], [212 * M, '212M'], [38 * M, '38.0M'],
  [99.96 * M, '100M'], [99.94 * M, '99.9M'], [1023.5 * M, '1.0G'], [1.5 * K * G, '1.5T'],
])
table('bytesLong', f.bytesLong, [
  [null, '—'], [0, '0'], [41.6 * G, '41.6 GiB'], [1.36 * G, '1.36 GiB'], [48 * G, '48 GiB'], [132 * K, '132 KiB'], [256 * G, '256 GiB'], [0.5 * G, '512 MiB'],
])
table('bitsLong', f.bitsLong, [[2.51e9, '2.51 Gbit/s'], [25e9, '25 Gbit/s'], [0, '0'], [999.6e3, '1 Mbit/s'], [null, '—']])
table('count', f.count, [[3811, '3 811'], [412, '412'], [10034, '10 034'], [1234567, '1 234 567'], [null, '—'], [0, '0']])
table('countShort', f.countShort, [[0, '0'], [7, '7'], [2.43, '2.4'], [812.4, '812'], [8412, '8.4 k'], [161000, '161 k'], [1.2e6, '1.2 M'], [999.7, '1.0 k'], [null, '—']])
table('percent', f.percent, [[0.84, '84 %'], [0.041, '4.1 %'], [0, '0 %'], [0.0999, '10 %'], [0.0994, '9.9 %'], [1, '100 %'], [null, '—']])
table('duration', f.duration, [
  [0, '0 s'], [0.041, '41 ms'], [0.0038, '3.8 ms'], [0.000088, '88 µs'], [3.2, '3.2 s'], [42, '42 s'], [18 * 60, '18 min'], [7440, '2 h 04'],
  [18 * 86400 + 7200, '18d 2h'], [213 * 86400, '213d'], [null, '—'],
])
table('age', f.age, [[8, '8s'], [311, '5m11'], [3620, '1h00'], [412300, '4d18'], [18403200, '213d'], [1142, '19m02'], [-3, '0s'], [null, '—']])
table('load', f.load, [[0.424, '0.42'], [24.8, '24.8'], [9.996, '10.0']])
table('hertz', f.hertz, [[2.4e9, '2.4 GHz'], [800e6, '800 MHz'], [null, '—']])
table('celsius', f.celsius, [[66.4, '66 °C'], [66.5, '67 °C']])
table('identifier', f.identifier, [[24817, '24817'], [3309, '3309']])

describe('time', () => {
  it('shows 24 h in the zone of the reader', () => {
    expect(f.clock(at, utc)).toBe('14:32:07')
    expect(f.clock(at, zh)).toBe('22:32:07')
    expect(f.instant(at, zh)).toBe('2026-03-12 22:32:07')
    expect(f.day(at, { locale: 'en', zone: 'UTC' })).toBe('Mar 12')
    expect(f.day(at, zh)).toBe('3月12日')
    expect(f.zoneName(at, zh)).toBe('UTC+8')
    expect(f.zoneName(at, utc)).toBe('UTC')
    expect(f.clock(Date.UTC(2026, 0, 1), utc)).toBe('00:00:00')
  })
})

describe('round', () => {
  it('goes half away from zero', () => {
    expect(f.round(0.5)).toBe(1)
    expect(f.round(-0.5)).toBe(-1)
    expect(f.round(1.005, 2)).toBe(1.01)
    expect(f.round(2.5)).toBe(3)
  })
})
