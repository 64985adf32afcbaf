import { describe, expect, it } from 'vitest'
import { parseInstant } from './spoken'
import { durationText, offsetAt, parseDuration, stampText, ticks } from './time'

const SH = 'Asia/Shanghai'
const NY = 'America/New_York'
// 2026-03-12 14:32:07 in Shanghai
const now = Date.parse('2026-03-12T14:32:07+08:00')
const at = (text: string, zone: string | undefined = SH, shown: number | null = null): string | null => {
  const v = parseInstant(text, { now, zone, at: shown })
  return v === null || v === 'live' ? v : new Date(v).toISOString().replace('.000Z', 'Z')
}

describe('parseDuration', () => {
  it.each([['90s', 90_000], ['15m', 900_000], ['15 min', 900_000], ['1h30m', 5_400_000], ['7d', 604_800_000], ['2 小时', 7_200_000], ['500ms', 500], ['', null], ['5', null], ['h', null], ['3 parsecs', null], ['-2h', null]] as const)('%s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })
  it('is written back in the largest unit that says it exactly', () => {
    for (const text of ['7d', '1h', '90m', '45s', '250ms']) expect(durationText(parseDuration(text) as number)).toBe(text)
    expect(durationText(24 * 3_600_000)).toBe('1d')
  })
})

describe('parseInstant', () => {
  it.each([
    ['03:12', '2026-03-11T19:12:00Z'],
    ['3:12', '2026-03-11T19:12:00Z'],
    ['03:12:40', '2026-03-11T19:12:40Z'],
    // Later than now: the last such time was yesterday.
    ['23:50', '2026-03-11T15:50:00Z'],
    ['3am', '2026-03-11T19:00:00Z'],
    ['12am', '2026-03-11T16:00:00Z'],
    ['2:15 pm', '2026-03-12T06:15:00Z'],
    ['3点12分', '2026-03-11T19:12:00Z'],
    ['-2h', '2026-03-12T04:32:07Z'],
    ['-1h30m', '2026-03-12T05:02:07Z'],
    ['2h ago', '2026-03-12T04:32:07Z'],
    ['2 小时前', '2026-03-12T04:32:07Z'],
    ['yesterday 3am', '2026-03-10T19:00:00Z'],
    ['昨天 03:12', '2026-03-10T19:12:00Z'],
    ['today', '2026-03-11T16:00:00Z'],
    ['mar 10 03:12', '2026-03-09T19:12:00Z'],
    ['12-31 23:00', '2025-12-31T15:00:00Z'],
    ['3月10日 03:12', '2026-03-09T19:12:00Z'],
    ['2026-03-12 03:12', '2026-03-11T19:12:00Z'],
    ['2026-03-12', '2026-03-11T16:00:00Z'],
    ['2026-03-12T03:12:40+08:00', '2026-03-11T19:12:40Z'],
    ['2026-03-12T03:12:40 08:00', '2026-03-11T19:12:40Z'],
    ['2026-03-12T03:12:40Z', '2026-03-12T03:12:40Z'],
    ['2026-03-11T19:12:40.250Z', '2026-03-11T19:12:40.250Z'],
    ['1773256360', '2026-03-11T19:12:40Z'],
    ['1773256360000', '2026-03-11T19:12:40Z'],
    ['now', 'live'],
    ['Live', 'live'],
    ['实时', 'live'],
  ])('%s', (text, want) => {
    expect(at(text)).toBe(want)
  })
  it.each(['', 'soon', '25:00', '13pm', '0am', '03:72', '2026-02-30', '2026-13-01 10:00', '--2h', '03:12 mysqld', '24817'])('does not guess at %s', (text) => {
    expect(at(text)).toBeNull()
  })
  it('takes a time alone on the day that is shown', () => {
    expect(at('03:12', SH, Date.parse('2026-03-05T23:00:00+08:00'))).toBe('2026-03-04T19:12:00Z')
    expect(at('23:50', SH, Date.parse('2026-03-05T01:00:00+08:00'))).toBe('2026-03-05T15:50:00Z')
  })
  it('knows clocks that are put on and back', () => {
    // New York: 2026-03-08 02:00 EST becomes 03:00 EDT; 2025-11-02 02:00 EDT becomes 01:00 EST.
    expect(at('2026-03-08 01:59', NY)).toBe('2026-03-08T06:59:00Z')
    expect(at('2026-03-08 03:01', NY)).toBe('2026-03-08T07:01:00Z')
    expect(at('2025-11-02 03:00', NY)).toBe('2025-11-02T08:00:00Z')
    expect(offsetAt(Date.parse('2026-03-08T07:01:00Z'), NY)).toBe(-4 * 3_600_000)
  })
})

describe('stampText', () => {
  it('comes back as the same instant', () => {
    for (const zone of [SH, NY, 'UTC', 'Asia/Kathmandu']) {
      for (const ms of [now, now + 250, Date.parse('2026-03-08T06:59:00Z')]) expect(parseInstant(stampText(ms, zone), { now, zone })).toBe(ms)
    }
    expect(stampText(now, SH)).toBe('2026-03-12T14:32:07+08:00')
    expect(stampText(now + 250, 'UTC')).toBe('2026-03-12T06:32:07.250Z')
  })
})

describe('ticks', () => {
  it('stand at round times of the zone, no more than wanted', () => {
    const t = ticks(now - 24 * 3_600_000, now, 12, SH)
    expect(t.length).toBeLessThanOrEqual(12)
    expect(t.map((x) => new Date(x.at + 8 * 3_600_000).getUTCHours() % 2)).toEqual(t.map(() => 0))
    expect(t.filter((x) => x.kind === 'day').map((x) => x.at)).toEqual([Date.parse('2026-03-12T00:00:00+08:00')])
  })
  it('stay on local midnights where the clocks change', () => {
    const t = ticks(Date.parse('2026-03-06T12:00:00-05:00'), Date.parse('2026-03-10T12:00:00-04:00'), 6, NY)
    expect(t.map((x) => new Date(x.at).toISOString().slice(0, 16))).toEqual(['2026-03-07T05:00', '2026-03-08T05:00', '2026-03-09T04:00', '2026-03-10T04:00'])
  })
  it('say when seconds matter', () => {
    expect(ticks(now, now + 60_000, 6, SH).every((x) => x.kind === 'second')).toBe(true)
    expect(ticks(now, now + 3_600_000, 6, SH).every((x) => x.kind === 'minute')).toBe(true)
  })
})
