// Words of the interface: English here for the first view and in words.ts for what is loaded on demand, 简体中文 in zh.ts, which
// is loaded only where it is wanted. Keys are shared; tests check that both sides are complete, and that the first view uses no
// word that comes later. `{name}` is a placeholder; `{n|one|other}` chooses by the plural of n (Chinese has one form).

import type { Problem } from './types'
import type { more } from './words'

export type Lang = 'en' | 'zh'

const first = {
  // views, navigation
  host: 'Host',
  processes: 'Processes',
  process: 'Process',
  connections: 'Connections',
  filesystems: 'Filesystems',
  disks: 'Disks',
  interfaces: 'Interfaces',
  cores: 'Cores',
  containers: 'Containers',
  users: 'Users',
  overview: 'Overview',
  files: 'Open files',
  threads: 'Threads',
  children: 'Children',
  breadcrumbs: 'Breadcrumbs',
  tabs: 'Tabs',
  skip: 'Skip to the table',

  // time bar
  timebar: 'Time bar',
  live: 'Live',
  stale: 'Stale',
  connecting: 'Connecting',
  reconnecting: 'Reconnecting',
  instant: 'Instant',
  pace: 'updates every {pace}',
  paceLate: 'updates every {pace}: {reason}',
  zoneToggle: 'Show times in {zone}',
  selfCostHelp: 'CPU (percent of one core) and resident memory of procyon itself',

  // the past
  agoWord: '{age} ago',
  backLive: 'Back to live',
  past: 'Past',
  wasUp: 'was up',
  pastLine: 'Past instant: these processes may be gone; actions are off',
  pastActions: 'Actions are off in the past. Go back to live first.',
  seeNow: 'See it now',
  span: 'Length of the time bar',
  spanMore: 'There is less history than this.',
  stepBack: 'Step back',
  stepOn: 'Step forward',
  instantHelp: 'A time: 03:12, -2h, yesterday 3am, 2026-03-12 03:12:40',
  instantFuture: 'This instant is still to come.',
  boot: 'The machine was started',
  noData: 'No data',
  beginsAt: 'since {at}',
  historyOff: 'History is off',
  lastWord: 'the last {age}',
  endedBefore: '{n} ended in the minute before',

  // facts
  os: 'OS',
  kernel: 'Kernel',
  uptime: 'Uptime',
  cpu: 'CPU',
  memory: 'Memory',
  disk: 'Disk',
  network: 'Network',
  load: 'Load',
  temp: 'CPU temp',
  psi: 'PSI',
  psiHelp: 'Pressure: share of the last 10 s in which something waited',
  agent: 'Agent',
  up: 'up',
  late: 'late',
  cpuCount: '{n} × {model}',

  // charts
  ofCores: 'of {n|{n} core|{n} cores} · {percent}',
  coresAxis: '{n|{n} core|{n} cores}',
  ofMemory: '{unit} of {total} · {percent} · swap {swap}',
  busy: '{unit} · busy {percent}',
  ofSpeed: '{unit} of {speed}',
  inNoProcess: 'in no process: {value}',
  other: 'other',
  otherCount: 'other {n}',
  showData: 'Show data',
  hideData: 'Hide data',
  chartLabel: '{name}, {range}, by process',
  time: 'Time',

  // process charts
  runq: 'Run-queue delay',
  fds: 'FDs',
  user: 'user',

  // filter
  filter: 'Filter',
  filterHint: 'cpu >= 0.5 && user == "mysql", or plain words',
  connectionHint: 'state == "LISTEN" && local_port == 3306, or plain words',
  clearFilter: 'Clear filter',
  filterKept: 'The table keeps the last filter that was valid.',
  atColumn: 'column {n}',
  didYouMean: 'Did you mean {word}?',
  completions: 'Completions',
  matchCount: '{matched} of {total} match',
  chipState: 'State D',
  chipNew: 'started < 5 min',
  chipKernel: 'no kernel threads',

  // toolbar
  groupBy: 'Group by',
  flat: 'Flat',
  tree: 'Tree',
  byName: 'Name',
  byCgroup: 'Cgroup',
  byContainer: 'Container',
  byUser: 'User',
  none: 'none',
  columns: 'Columns',
  export: 'Export',
  exportCsv: 'CSV of the table',
  exportJson: 'JSON of the table',
  copyLink: 'Copy link',
  linkCopied: 'Link copied',
  copied: 'Copied',
  copyFailed: 'The browser did not allow copying',
  orderHeld: 'order held',
  orderHeldHelp: 'Values change, the order waits up to 5 s while the pointer is over the table or a row is selected. Click to sort now.',
  spark: '60 s',
  chipHelp: 'Colour in the charts',
  sparkHelp: 'The sorted metric over the last 60 s',
  needs: 'Needs {privilege}',
  unknownHelp: '— is not known (not 0)',
  sourceHelp: 'Source: {source}',

  // status line
  processCount: '{n|{n} process|{n} processes}',
  endedMinute: '{n} ended in the last minute',
  shortLived: ', {n} short-lived',
  show: 'show',
  cpuUnit: 'CPU: 100 % = one core',
  cpuUnitMachine: 'CPU: 100 % = all {n} cores',
  pssAge: 'PSS {age} old',
  quarantined: '{n|{n} process in quarantine|{n} processes in quarantine}',
  quarantinedHelp: 'Reading it blocks in the kernel, so it is set aside.',

  // states
  loading: 'Loading',
  nothingConnections: 'There are no connections.',
  lost: 'Lost the server; next try in {s} s ({n}). Showing {at}.',
  lostNow: 'Lost the server; trying again ({n}). Showing {at}.',
  lostEmpty: 'The server does not answer; next try in {s} s ({n}).',
  silent: 'No new data since {at}.',
  retryNow: 'Retry now',
  gap: '{n|{n} frame|{n} frames} skipped: the page was too slow.',
  partial: 'Partial sight: without {caps}, {gives} not seen.',
  partialShort: 'Partial sight: {caps} missing.',
  partialAnonymous: 'You see what every local user may see. Sign in to see I/O, open files and connections of all users.',
  howToGrant: 'how to grant',
  dismiss: 'Dismiss',
  notFound: 'Nothing at this address',
  notFoundHost: 'No host {host} is known here.',
  toHost: 'To the host',
  failed: 'The server did not answer',

  // roles and sign-in
  operator: 'operator',
  viewer: 'viewer',
  anonymous: 'not signed in',
  readonly: 'read-only',
  signIn: 'Sign in',
  signOut: 'Sign out',
  signInTitle: 'Sign in to procyon',
  signedOut: 'Signed out',
  trace: 'Trace',
  traceNeeds: 'Watching system calls needs the operator role.',
  signalNeeds: 'Sending a signal needs the operator role.',
  linkUsed: 'The sign-in link is not valid.',

  // process view
  exe: 'Executable',
  cwd: 'Working directory',
  unit: 'Systemd unit',
  cgroup: 'Cgroup',
  container: 'Container',
  label: 'Label',
  wchan: 'Waiting in',
  ended: 'ended',
  exitCode: 'exit {code}',
  stateR: 'running',
  stateS: 'sleeping',
  stateD: 'uninterruptible',
  stateT: 'stopped',
  stateZ: 'zombie',
  stateI: 'idle',
  stateX: 'dead',

  // signal dialog
  signal: 'Signal',
  close: 'Close',

  // menu
  open: 'Open',
  filterByName: 'Filter by name {value}',
  filterByUser: 'Filter by user {value}',
  copyPid: 'Copy PID',
  copyCmd: 'Copy command line',
  copyKey: 'Copy address',
  rowMenu: 'Actions for {name}',

  // go to
  goto: 'Host, process, PID, port…',

  // shell
  settings: 'Settings',
  language: '中文',
  theme: 'Light or dark',
  shortcuts: 'Keyboard shortcuts',
} as const satisfies Record<string, string>

export type Key = keyof typeof first | keyof typeof more
const english: Partial<Record<Key, string>> = { ...first }

/** Takes words that were loaded on demand. */
export function learn(words: Partial<Record<Key, string>>): void {
  Object.assign(english, words)
}

/** Every key whose English words are loaded. */
export function keys(): Key[] {
  return Object.keys(english) as Key[]
}

let chinese: Readonly<Record<Key, string>> | null = null
let phrases: typeof import('./told') | null = null

/** Fetches the words of a language; until then, and where that fails, they are English. */
export async function loadLanguage(lang: Lang): Promise<void> {
  if (lang !== 'zh' || chinese !== null) return
  const [words, told] = await Promise.all([import('./zh'), import('./told')])
  chinese = words.zh
  phrases = told
}

/** A sentence of the server, where the language has words for it. */
export function toldIn(lang: Lang, text: string): string {
  return lang === 'zh' && phrases !== null ? phrases.told(text) : text
}

/** A problem that the server tells of. */
export function problemIn(lang: Lang, p: Problem): string {
  return lang === 'zh' && phrases !== null ? phrases.toldProblem(p) : (p.detail ?? p.title)
}

/** The raw text of a key. */
export function raw(key: Key, lang: Lang): string {
  return (lang === 'zh' && chinese !== null ? chinese[key] : english[key]) ?? key
}

const plural = { en: new Intl.PluralRules('en'), zh: new Intl.PluralRules('zh') }

type Args = Record<string, string | number | null | undefined>

/** Fills placeholders and plurals. A plural takes the number from `n` or, when that is a text, from `nCount`. */
export function fill(text: string, lang: Lang, args: Args): string {
  const counted = text.replace(/\{(\w+)\|((?:[^{}]|\{\w+\})*)\|((?:[^{}]|\{\w+\})*)\}/g, (_, name: string, one: string, other: string) => {
    const v = args[`${name}Count`] ?? args[name]
    return plural[lang].select(Number(v)) === 'one' ? one : other
  })
  return counted.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const v = args[name]
    return v === undefined ? whole : String(v ?? '—')
  })
}

export function translate(lang: Lang, key: Key, args?: Args): string {
  const text = raw(key, lang)
  return args === undefined ? text : fill(text, lang, args)
}

/** `3rd` in English, `3` in Chinese (the word for it stands in the message). */
export function ordinal(n: number, lang: Lang): string {
  if (lang === 'zh') return String(n)
  const suffix = { one: 'st', two: 'nd', few: 'rd', other: 'th', zero: 'th', many: 'th' }
  return `${n}${suffix[new Intl.PluralRules('en', { type: 'ordinal' }).select(n)]}`
}
