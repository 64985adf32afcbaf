// The English words of what is loaded on demand: dialogs, the process view, settings. Whoever uses one of them imports this
// module; the words of the first view stand in i18n.ts, so that it comes sooner.

import { learn } from './i18n'

export const more = {
  // views, navigation
  limits: 'Limits',

  // the past
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
  swap: 'swap {swap}',

  // charts
  chartLabelPlain: '{name}, {range}',
  noData: 'No data',

  // process charts
  faults: 'Major faults',
  usrSys: '% · usr {user} sys {sys}',
  rssHwm: '{unit} RSS · HWM {hwm}',
  readWrite: '{unit} · r {read} w {write}',
  rxTx: '{unit} · rx {rx} tx {tx}',
  msPerSecond: 'ms per s',
  perSecMinor: '/s · minor {minor}',
  ofLimit: 'of {limit}',
  cgroupLimit: 'cgroup limit {limit}',
  system: 'system',
  readWord: 'read',
  writeWord: 'write',
  rxWord: 'received',
  txWord: 'sent',

  // toolbar
  columnsReset: 'Default columns',
  columnsFind: 'Find a column',
  moveUp: 'Move {name} to the left',
  moveDown: 'Move {name} to the right',
  shown: 'Shown',
  available: 'Available',
  cmdHead: 'Command',

  // status line
  endedTitle: 'Ended in the last minute',
  endedNone: 'No process ended in the last minute.',
  exit: 'Exit',
  endedAt: 'Ended',

  // states
  noMatch: 'No process matches',
  noMatchText: '{total} processes are running; none fits the filter.',
  closest: 'The closest is',
  closestWithout: 'without {term}',
  findPast: 'Find it in the past',
  findNone: 'Nothing like it in the last 30 days.',
  nothing: 'Nothing here',
  noneFits: 'Nothing fits the filter.',
  endedRows: 'The process has ended; this is not known any more.',
  needsViewer: 'A token with the role viewer shows this.',
  whyToken: 'needs a token',
  whyForbidden: 'needs more rights',
  whyUnsupported: 'not measured here',
  whyAbsent: 'does not apply',
  whyPending: 'not read yet',
  nothingList: 'The machine reports none.',
  capTitle: 'What procyon cannot see',
  notFoundProcess: 'No process {key} is known. It may have ended more than a minute ago.',
  otherProcess: 'The pid {pid} now belongs to another process.',
  openCurrent: 'Open the process that has it now',

  // roles and sign-in
  signInText: 'Use the link that procyon printed at its first start, or paste a token.',
  signInHint: 'A new one:',
  token: 'Token',
  signInFailed: 'This token is not valid.',
  signedIn: 'Signed in as {name}, {role}',
  youAre: 'You are: {role}.',

  // process view
  identity: 'Identity',
  owner: 'User',
  started: 'Started',
  listening: 'Listening port',
  cmdline: 'Command line',
  masked: 'A secret was masked',
  parent: 'Parent',
  noChildren: 'no children',
  childCount: '{n|{n} child|{n} children}',
  scheduling: 'Scheduling',
  nice: 'Nice',
  oom: 'OOM score',
  switches: 'Context switches',
  volInvol: '{v}/s vol · {i}/s invol',
  cpuTime: 'CPU time',
  running: 'running',
  endedText: '{name} {pid} ended. Its last values stay for a minute; actions are off.',
  unlimited: 'unlimited',
  kernelThread: 'kernel thread',
  notPermitted: 'Not permitted',

  // signal dialog
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

  // go to
  gotoLabel: 'Go to',
  gotoNone: 'Nothing found',
  gotoTab: 'View',
  port: 'port',

  // shell
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
} as const satisfies Record<string, string>

learn(more)
