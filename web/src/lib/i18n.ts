// Words of the interface: English here, 简体中文 in zh.ts, which is loaded only where it is wanted. Keys are shared; a test
// checks that both sides are complete. `{name}` is a placeholder; `{n|one|other}` chooses by the plural of n (Chinese has one form).

export type Lang = 'en' | 'zh'

const messages = {
  // views, navigation
  hosts: 'Hosts',
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
  limits: 'Limits',
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
  historyOff: 'History is off',
  offText: 'History is off on {host}, so the page shows the present. Switch it on with history.enabled = true.',
  beforeText: '{host} has no history before {at}.',
  beginsAt: 'since {at}',
  gapText: 'No data for {host} from {from} to {to}. Shown is the last frame before.',
  gapOpen: 'No data for {host} since {from}. Shown is the last frame before.',
  gapRow: 'No data at this instant. Shown is {at}.',
  troubleText: 'History of {host} cannot be kept at the moment: {reason}',
  boot: 'The machine was started',
  topTitle: 'Top consumers of this range',
  topNone: 'Nothing was used in this range.',
  metric: 'Metric',
  rangeClear: 'Leave this range',
  covered: 'data for {age}',
  lastWord: 'the last {age}',
  endedBefore: '{n} ended in the minute before',
  notThen: 'Process {pid} is not known at this instant',
  notThenText: 'It did not run at {at}, nor in the hour before.',
  firstSeen: 'First seen {at}',
  lastSeen: 'Last seen {at}',
  ranText: '{name} {pid} ended: it ran from {from} to {to}. Actions are off.',
  notKept: 'Not kept in history',
  notKeptText: 'Open files and threads are read only while a process runs.',
  keyStep: 'one frame back, on',
  keyMinute: 'one minute back, on',
  keyLive: 'live',

  // facts
  os: 'OS',
  kernel: 'Kernel',
  uptime: 'Uptime',
  cpu: 'CPU',
  memory: 'Memory',
  disk: 'Disk',
  network: 'Network',
  swap: 'swap {swap}',
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
  other: 'other',
  otherCount: 'other {n}',
  total: 'total',
  showData: 'Show data',
  hideData: 'Hide data',
  chartLabel: '{name}, {range}, by process',
  chartLabelPlain: '{name}, {range}',
  time: 'Time',
  noData: 'No data',

  // process charts
  runq: 'Run-queue delay',
  faults: 'Major faults',
  fds: 'FDs',
  usrSys: '% · usr {user} sys {sys}',
  rssHwm: '{unit} RSS · HWM {hwm}',
  readWrite: '{unit} · r {read} w {write}',
  rxTx: '{unit} · rx {rx} tx {tx}',
  msPerSecond: 'ms per s',
  perSecMinor: '/s · minor {minor}',
  ofLimit: 'of {limit}',
  cgroupLimit: 'cgroup limit {limit}',
  user: 'user',
  system: 'system',
  readWord: 'read',
  writeWord: 'write',
  rxWord: 'received',
  txWord: 'sent',

  // filter
  filter: 'Filter',
  filterHint: 'cpu >= 0.5 && user == "mysql", or plain words',
  connectionHint: 'state == "LISTEN" && local_port == 3306, or plain words',
  clearFilter: 'Clear filter',
  filterKept: 'The table keeps the last filter that was valid.',
  atColumn: 'column {n}',
  didYouMean: 'Did you mean {word}?',
  takeIt: 'Take it',
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
  columnsReset: 'Default columns',
  columnsFind: 'Find a column',
  moveUp: 'Move {name} to the left',
  moveDown: 'Move {name} to the right',
  shown: 'Shown',
  available: 'Available',
  export: 'Export',
  exportCsv: 'CSV of the table',
  exportJson: 'JSON of the table',
  copyLink: 'Copy link',
  linkCopied: 'Link copied',
  copied: 'Copied',
  copyFailed: 'The browser did not allow copying',
  orderHeld: 'order held',
  orderHeldHelp: 'The order is held while the pointer is over the table. Click to sort now.',
  spark: '60 s',
  chipHelp: 'Colour in the charts',
  sparkHelp: 'The sorted metric over the last 60 s',
  cmdHead: 'Command',
  sortBy: 'Sort by {name}',
  needs: 'Needs {privilege}',
  unknownHelp: '— is not known (not 0)',
  sourceHelp: 'Source: {source}',

  // status line
  processCount: '{n|{n} process|{n} processes}',
  endedMinute: '{n} ended in the last minute',
  show: 'show',
  cpuUnit: 'CPU: 100 % = one core',
  pssAge: 'PSS {age} old',
  quarantined: '{n|{n} process in quarantine|{n} processes in quarantine}',
  quarantinedHelp: 'Reading it blocks in the kernel, so it is set aside.',
  endedTitle: 'Ended in the last minute',
  endedNone: 'No process ended in the last minute.',
  exit: 'Exit',
  endedAt: 'Ended',
  rowsInfo: '{matched} of {total}',

  // states
  loading: 'Loading',
  noMatch: 'No process matches',
  noMatchText: '{total} processes are running; none fits the filter.',
  closest: 'The closest is',
  closestWithout: 'without {term}',
  findPast: 'Find it in the past',
  findNone: 'Nothing like it in the last 30 days.',
  nothing: 'Nothing here',
  nothingConnections: 'There are no connections.',
  noneFits: 'Nothing fits the filter.',
  endedRows: 'The process has ended; this is not known any more.',
  needsViewer: 'A token with the role viewer shows this.',
  whyToken: 'needs a token',
  whyForbidden: 'needs more rights',
  whyUnsupported: 'not measured here',
  whyAbsent: 'does not apply',
  whyPending: 'not read yet',
  nothingList: 'The machine reports none.',
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
  capGives: 'Gives',
  capGrant: 'Grant',
  capTitle: 'What procyon cannot see',
  dismiss: 'Dismiss',
  notFound: 'Nothing at this address',
  notFoundHost: 'No host {host} is known here.',
  notFoundProcess: 'No process {key} is known. It may have ended more than a minute ago.',
  otherProcess: 'The pid {pid} now belongs to another process.',
  openCurrent: 'Open the process that has it now',
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
  signInText: 'Use the link that procyon printed at its first start, or paste a token.',
  signInHint: 'A new one:',
  token: 'Token',
  signInFailed: 'This token is not valid.',
  signedIn: 'Signed in as {name}, {role}',
  signedOut: 'Signed out',
  signalNeeds: 'Sending a signal needs the operator role.',
  youAre: 'You are: {role}.',
  linkUsed: 'The sign-in link is not valid.',

  // process view
  identity: 'Identity',
  exe: 'Executable',
  cwd: 'Working directory',
  owner: 'User',
  started: 'Started',
  unit: 'Systemd unit',
  cgroup: 'Cgroup',
  container: 'Container',
  label: 'Label',
  listening: 'Listening port',
  cmdline: 'Command line',
  masked: 'A secret was masked',
  parent: 'Parent',
  noChildren: 'no children',
  childCount: '{n|{n} child|{n} children}',
  scheduling: 'Scheduling',
  nice: 'Nice',
  oom: 'OOM score',
  wchan: 'Waiting in',
  switches: 'Context switches',
  volInvol: '{v}/s vol · {i}/s invol',
  cpuTime: 'CPU time',
  running: 'running',
  ended: 'ended',
  exitCode: 'exit {code}',
  endedText: '{name} {pid} ended. Its last values stay for a minute; actions are off.',
  unlimited: 'unlimited',
  kernelThread: 'kernel thread',
  notPermitted: 'Not permitted',
  stateR: 'running',
  stateS: 'sleeping',
  stateD: 'uninterruptible',
  stateT: 'stopped',
  stateZ: 'zombie',
  stateI: 'idle',
  stateX: 'dead',

  // signal dialog
  signal: 'Signal',
  signalTitle: 'Send a signal to {name} {pid}?',
  signalTarget: 'On {host}, user {user}, up {age}',
  signalServes: 'serving {n|{n} connection|{n} connections}',
  signalPorts: 'listening on {ports}',
  signalUnit: 'It belongs to the systemd unit {unit}, which may start it again.',
  signalContainer: 'It runs in the container {container}, which may start it again.',
  signalChanged: 'Changed since the dialog opened: {what}',
  sigTERM: 'asks it to exit',
  sigKILL: 'ends it at once, without clean-up',
  sigSTOP: 'freezes it until SIGCONT',
  sigCONT: 'lets a frozen process run on',
  sigHUP: 'most daemons reload their configuration',
  sigINT: 'as Ctrl C on its terminal',
  typeToConfirm: 'Type {word} to confirm',
  audited: 'Recorded in the audit log as {name}, {role}',
  cancel: 'Cancel',
  send: 'Send {signal}',
  sent: '{signal} sent to {name} {pid}',
  sending: 'Sending…',
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
  gotoLabel: 'Go to',
  gotoNone: 'Nothing found',
  gotoTab: 'View',
  port: 'port',

  // shell
  language: '中文',
  theme: 'Light or dark',
  shortcuts: 'Keyboard shortcuts',
  shortcutsOn: 'Single-key shortcuts',
  keyGoto: 'go to host, process, pid, port',
  keyFilter: 'filter',
  keyRow: 'row down, up',
  keyOpen: 'open / up',
  keyTree: 'tree',
  keyGroup: 'group by name, cgroup, container, user; flat',
  keySort: 'sort by a column: c CPU, m memory, r read, w write, t threads, p PID, a age',
  keyTab: 'tab',
  keyMenu: 'row menu',
  keySignal: 'signal',
  keyLink: 'copy link',
  keyEsc: 'close, clear filter, leave',
  keyHost: 'to the host',
  keyHelp: 'this list',
  keyFold: 'fold, unfold',
  expand: 'Expand',
  collapse: 'Collapse',
  members: '× {n}',
} as const satisfies Record<string, string>

export type Key = keyof typeof messages
export const keys = Object.keys(messages) as Key[]

let chinese: Readonly<Record<Key, string>> | null = null

/** Fetches the words of a language; until then, and where that fails, they are English. */
export async function loadLanguage(lang: Lang): Promise<void> {
  if (lang === 'zh') chinese ??= (await import('./zh')).zh
}

/** The raw text of a key. */
export function raw(key: Key, lang: Lang): string {
  return lang === 'zh' && chinese !== null ? chinese[key] : messages[key]
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
