// Words of the interface, English and 简体中文. Keys are shared; a test checks that both sides are complete.
// `{name}` is a placeholder; `{n|one|other}` chooses by the plural of n (Chinese has one form).

export type Lang = 'en' | 'zh'

const messages = {
  // views, navigation
  hosts: ['Hosts', '主机'],
  host: ['Host', '主机'],
  processes: ['Processes', '进程'],
  process: ['Process', '进程'],
  connections: ['Connections', '连接'],
  filesystems: ['Filesystems', '文件系统'],
  disks: ['Disks', '磁盘'],
  interfaces: ['Interfaces', '网卡'],
  cores: ['Cores', 'CPU 核'],
  containers: ['Containers', '容器'],
  users: ['Users', '用户'],
  overview: ['Overview', '概览'],
  files: ['Open files', '打开的文件'],
  threads: ['Threads', '线程'],
  children: ['Children', '子进程'],
  limits: ['Limits', '资源限制'],
  breadcrumbs: ['Breadcrumbs', '位置'],
  tabs: ['Tabs', '标签页'],
  skip: ['Skip to the table', '跳到表格'],

  // time bar
  timebar: ['Time bar', '时间栏'],
  live: ['Live', '实时'],
  stale: ['Stale', '已过时'],
  connecting: ['Connecting', '连接中'],
  reconnecting: ['Reconnecting', '重新连接'],
  instant: ['Instant', '时刻'],
  pace: ['updates every {pace}', '每 {pace} 更新'],
  paceLate: ['updates every {pace}: {reason}', '每 {pace} 更新：{reason}'],
  zoneToggle: ['Show times in {zone}', '以 {zone} 显示时间'],
  selfCost: ['procyon itself {cpu} % · {rss}', 'procyon 自身 {cpu} % · {rss}'],
  selfCostHelp: ['CPU (percent of one core) and resident memory of procyon itself', 'procyon 自身占用的 CPU（单核百分比）与常驻内存'],
  onlyLive: ['This link points into the past. History is not kept by this version, so the page shows the present.', '此链接指向过去的时刻。当前版本不保存历史，因此显示的是现在。'],

  // facts
  os: ['OS', 'OS'],
  kernel: ['Kernel', '内核'],
  uptime: ['Uptime', '运行时间'],
  cpu: ['CPU', 'CPU'],
  memory: ['Memory', '内存'],
  disk: ['Disk', '磁盘'],
  network: ['Network', '网络'],
  swap: ['swap {swap}', '交换区 {swap}'],
  load: ['Load', '负载'],
  temp: ['CPU temp', 'CPU 温度'],
  psi: ['PSI', '压力 PSI'],
  psiHelp: ['Pressure: share of the last 10 s in which something waited', '资源压力：最近 10 秒内有任务等待的时间占比'],
  agent: ['Agent', '代理'],
  up: ['up', '在线'],
  late: ['late', '延迟'],
  cpuCount: ['{n} × {model}', '{n} × {model}'],

  // charts
  ofCores: ['of {n|{n} core|{n} cores} · {percent}', '/ {n} 核 · {percent}'],
  coresAxis: ['{n|{n} core|{n} cores}', '{n} 核'],
  ofMemory: ['{unit} of {total} · {percent} · swap {swap}', '{unit} / {total} · {percent} · 交换区 {swap}'],
  busy: ['{unit} · busy {percent}', '{unit} · 忙 {percent}'],
  ofSpeed: ['{unit} of {speed}', '{unit} · 共 {speed}'],
  other: ['other', '其他'],
  otherCount: ['other {n}', '其他 {n}'],
  total: ['total', '合计'],
  showData: ['Show data', '显示数据'],
  hideData: ['Hide data', '隐藏数据'],
  chartLabel: ['{name}, the last 15 minutes, by process', '{name}，最近 15 分钟，按进程'],
  chartLabelPlain: ['{name}, the last 15 minutes', '{name}，最近 15 分钟'],
  time: ['Time', '时间'],
  noData: ['No data', '无数据'],

  // process charts
  runq: ['Run-queue delay', '排队延迟'],
  faults: ['Major faults', '主缺页'],
  fds: ['FDs', '句柄'],
  usrSys: ['% · usr {user} sys {sys}', '% · 用户 {user} 内核 {sys}'],
  rssHwm: ['{unit} RSS · HWM {hwm}', '{unit} RSS · 峰值 {hwm}'],
  readWrite: ['{unit} · r {read} w {write}', '{unit} · 读 {read} 写 {write}'],
  rxTx: ['{unit} · rx {rx} tx {tx}', '{unit} · 收 {rx} 发 {tx}'],
  msPerSecond: ['ms per s', '毫秒/秒'],
  perSecMinor: ['/s · minor {minor}', '/秒 · 次缺页 {minor}'],
  ofLimit: ['of {limit}', '/ {limit}'],
  cgroupLimit: ['cgroup limit {limit}', '控制组上限 {limit}'],
  user: ['user', '用户态'],
  system: ['system', '内核态'],
  readWord: ['read', '读'],
  writeWord: ['write', '写'],
  rxWord: ['received', '收'],
  txWord: ['sent', '发'],

  // filter
  filter: ['Filter', '筛选'],
  filterHint: ['cpu >= 0.5 && user == "mysql", or plain words', 'cpu >= 0.5 && user == "mysql"，或直接输入词语'],
  connectionHint: ['state == "LISTEN" && local_port == 3306, or plain words', 'state == "LISTEN" && local_port == 3306，或直接输入词语'],
  clearFilter: ['Clear filter', '清除筛选'],
  filterKept: ['The table keeps the last filter that was valid.', '表格保留上一次有效的筛选。'],
  atColumn: ['column {n}', '第 {n} 列'],
  didYouMean: ['Did you mean {word}?', '是 {word} 吗？'],
  takeIt: ['Take it', '采用'],
  completions: ['Completions', '补全'],
  matchCount: ['{matched} of {total} match', '匹配 {matched} / {total}'],
  chipState: ['State D', '状态 D'],
  chipNew: ['started < 5 min', '最近 5 分钟启动'],
  chipKernel: ['no kernel threads', '不含内核线程'],

  // toolbar
  groupBy: ['Group by', '分组'],
  flat: ['Flat', '平铺'],
  tree: ['Tree', '树形'],
  byName: ['Name', '名称'],
  byCgroup: ['Cgroup', '控制组'],
  byContainer: ['Container', '容器'],
  byUser: ['User', '用户'],
  none: ['none', '无'],
  columns: ['Columns', '列'],
  columnsReset: ['Default columns', '默认列'],
  columnsFind: ['Find a column', '查找列'],
  moveUp: ['Move {name} to the left', '将 {name} 左移'],
  moveDown: ['Move {name} to the right', '将 {name} 右移'],
  shown: ['Shown', '已显示'],
  available: ['Available', '可选'],
  export: ['Export', '导出'],
  exportCsv: ['CSV of the table', '表格 CSV'],
  exportJson: ['JSON of the table', '表格 JSON'],
  copyLink: ['Copy link', '复制链接'],
  linkCopied: ['Link copied', '链接已复制'],
  copied: ['Copied', '已复制'],
  copyFailed: ['The browser did not allow copying', '浏览器不允许复制'],
  orderHeld: ['order held', '顺序已固定'],
  orderHeldHelp: ['The order is held while the pointer is over the table. Click to sort now.', '指针在表格上时保持顺序。点击立即排序。'],
  spark: ['60 s', '60 秒'],
  chipHelp: ['Colour in the charts', '图表中的颜色'],
  sparkHelp: ['The sorted metric over the last 60 s', '排序指标最近 60 秒的走势'],
  cmdHead: ['Command', '命令'],
  sortBy: ['Sort by {name}', '按 {name} 排序'],
  needs: ['Needs {privilege}', '需要 {privilege}'],
  unknownHelp: ['— is not known (not 0)', '— 表示未知（不是 0）'],
  sourceHelp: ['Source: {source}', '来源：{source}'],

  // status line
  processCount: ['{n|{n} process|{n} processes}', '{n} 个进程'],
  endedMinute: ['{n} ended in the last minute', '过去一分钟有 {n} 个进程结束'],
  show: ['show', '显示'],
  cpuUnit: ['CPU: 100 % = one core', 'CPU：100 % = 一个核'],
  pssAge: ['PSS {age} old', 'PSS 为 {age}前'],
  quarantined: ['{n|{n} process in quarantine|{n} processes in quarantine}', '{n} 个进程被隔离'],
  quarantinedHelp: ['Reading it blocks in the kernel, so it is set aside.', '读取它会在内核中阻塞，因此暂时搁置。'],
  endedTitle: ['Ended in the last minute', '过去一分钟内结束的进程'],
  endedNone: ['No process ended in the last minute.', '过去一分钟没有进程结束。'],
  exit: ['Exit', '退出'],
  endedAt: ['Ended', '结束时间'],
  rowsInfo: ['{matched} of {total}', '{matched} / {total}'],

  // states
  loading: ['Loading', '加载中'],
  noMatch: ['No process matches', '没有匹配的进程'],
  noMatchText: ['{total} processes are running; none fits the filter.', '共有 {total} 个进程，没有一个符合筛选条件。'],
  nothing: ['Nothing here', '这里没有内容'],
  nothingConnections: ['No connection matches.', '没有匹配的连接。'],
  nothingList: ['The machine reports none.', '本机没有此类条目。'],
  lost: ['Lost the server; next try in {s} s ({n}). Showing {at}.', '与服务器断开，{s} 秒后重试（第 {n} 次）。显示 {at} 的数据。'],
  lostNow: ['Lost the server; trying again ({n}). Showing {at}.', '与服务器断开，正在重试（第 {n} 次）。显示 {at} 的数据。'],
  lostEmpty: ['The server does not answer; next try in {s} s ({n}).', '服务器没有回答，{s} 秒后重试（第 {n} 次）。'],
  silent: ['No new data since {at}.', '自 {at} 起没有新数据。'],
  retryNow: ['Retry now', '立即重试'],
  gap: ['{n|{n} frame|{n} frames} skipped: the page was too slow.', '跳过了 {n} 帧：页面来不及显示。'],
  partial: ['Partial sight: without {caps}, {gives} not seen.', '看不全：缺少 {caps}，看不到{gives}。'],
  partialShort: ['Partial sight: {caps} missing.', '看不全：缺少 {caps}。'],
  partialAnonymous: ['You see what every local user may see. Sign in to see I/O, open files and connections of all users.', '当前只显示任何本地用户可见的内容。登录后可查看所有用户的 I/O、文件和连接。'],
  howToGrant: ['how to grant', '如何授予'],
  capGives: ['Gives', '作用'],
  capGrant: ['Grant', '授予方法'],
  capTitle: ['What procyon cannot see', 'procyon 看不到的内容'],
  dismiss: ['Dismiss', '关闭提示'],
  notFound: ['Nothing at this address', '此地址没有内容'],
  notFoundHost: ['No host {host} is known here.', '这里没有名为 {host} 的主机。'],
  notFoundProcess: ['No process {key} is known. It may have ended more than a minute ago.', '没有进程 {key}。它可能在一分钟前就已结束。'],
  otherProcess: ['The pid {pid} now belongs to another process.', 'PID {pid} 现在属于另一个进程。'],
  openCurrent: ['Open the process that has it now', '打开当前占用它的进程'],
  toHost: ['To the host', '返回主机'],
  failed: ['The server did not answer', '服务器没有回答'],

  // roles and sign-in
  operator: ['operator', '操作员'],
  viewer: ['viewer', '只读用户'],
  anonymous: ['not signed in', '未登录'],
  readonly: ['read-only', '只读'],
  signIn: ['Sign in', '登录'],
  signOut: ['Sign out', '退出登录'],
  signInTitle: ['Sign in to procyon', '登录 procyon'],
  signInText: ['Use the link that procyon printed at its first start, or paste a token.', '使用 procyon 首次启动时打印的链接，或粘贴令牌。'],
  signInHint: ['A new one:', '新建令牌：'],
  token: ['Token', '令牌'],
  signInFailed: ['This token is not valid.', '令牌无效。'],
  signedIn: ['Signed in as {name}, {role}', '已登录：{name}，{role}'],
  signedOut: ['Signed out', '已退出登录'],
  signalNeeds: ['Sending a signal needs the operator role.', '发送信号需要操作员。'],
  youAre: ['You are: {role}.', '你的角色：{role}。'],
  linkUsed: ['The sign-in link is not valid.', '登录链接无效。'],

  // process view
  identity: ['Identity', '身份'],
  exe: ['Executable', '可执行文件'],
  cwd: ['Working directory', '工作目录'],
  owner: ['User', '用户'],
  started: ['Started', '启动时间'],
  unit: ['Systemd unit', 'systemd 单元'],
  cgroup: ['Cgroup', '控制组'],
  container: ['Container', '容器'],
  label: ['Label', '标签'],
  listening: ['Listening port', '监听端口'],
  cmdline: ['Command line', '命令行'],
  masked: ['A secret was masked', '敏感内容已隐藏'],
  parent: ['Parent', '父进程'],
  noChildren: ['no children', '无子进程'],
  childCount: ['{n|{n} child|{n} children}', '{n} 个子进程'],
  scheduling: ['Scheduling', '调度'],
  nice: ['Nice', '优先级 (nice)'],
  oom: ['OOM score', 'OOM 评分'],
  wchan: ['Waiting in', '等待于'],
  switches: ['Context switches', '上下文切换'],
  volInvol: ['{v}/s vol · {i}/s invol', '自愿 {v}/秒 · 非自愿 {i}/秒'],
  cpuTime: ['CPU time', 'CPU 时间'],
  running: ['running', '运行中'],
  ended: ['ended', '已结束'],
  exitCode: ['exit {code}', '退出码 {code}'],
  endedText: ['{name} {pid} ended. Its last values stay for a minute; actions are off.', '{name} {pid} 已结束。最后的数值保留一分钟；操作已停用。'],
  unlimited: ['unlimited', '无限制'],
  kernelThread: ['kernel thread', '内核线程'],
  notPermitted: ['Not permitted', '无权限'],
  notPermittedText: ['Open files of a process need the viewer role.', '查看进程打开的文件需要只读用户角色。'],
  stateR: ['running', '运行'],
  stateS: ['sleeping', '睡眠'],
  stateD: ['uninterruptible', '不可中断'],
  stateT: ['stopped', '已停止'],
  stateZ: ['zombie', '僵尸'],
  stateI: ['idle', '空闲'],
  stateX: ['dead', '已死'],

  // signal dialog
  signal: ['Signal', '发送信号'],
  signalTitle: ['Send a signal to {name} {pid}?', '向 {name} {pid} 发送信号？'],
  signalTarget: ['On {host}, user {user}, up {age}', '主机 {host} · 用户 {user} · 已运行 {age}'],
  signalServes: ['serving {n|{n} connection|{n} connections}', '{n} 个连接'],
  signalPorts: ['listening on {ports}', '监听 {ports}'],
  signalUnit: ['It belongs to the systemd unit {unit}, which may start it again.', '它属于 systemd 单元 {unit}，结束后可能被重新启动。'],
  signalContainer: ['It runs in the container {container}, which may start it again.', '它运行在容器 {container} 中，结束后可能被重新启动。'],
  signalChanged: ['Changed since the dialog opened: {what}', '对话框打开后已变化：{what}'],
  sigTERM: ['asks it to exit', '请求退出'],
  sigKILL: ['ends it at once, without clean-up', '立即结束，不做清理'],
  sigSTOP: ['freezes it until SIGCONT', '冻结，直到 SIGCONT'],
  sigCONT: ['lets a frozen process run on', '让已冻结的进程继续运行'],
  sigHUP: ['most daemons reload their configuration', '多数守护进程会重新读取配置'],
  sigINT: ['as Ctrl C on its terminal', '等同于在终端按 Ctrl C'],
  typeToConfirm: ['Type {word} to confirm', '输入 {word} 以确认'],
  audited: ['Recorded in the audit log as {name}, {role}', '将写入审计日志：{name} · {role}'],
  cancel: ['Cancel', '取消'],
  send: ['Send {signal}', '发送 {signal}'],
  sent: ['{signal} sent to {name} {pid}', '已向 {name} {pid} 发送 {signal}'],
  sending: ['Sending…', '发送中…'],
  close: ['Close', '关闭'],

  // menu
  open: ['Open', '打开'],
  filterByName: ['Filter by name {value}', '按名称 {value} 筛选'],
  filterByUser: ['Filter by user {value}', '按用户 {value} 筛选'],
  copyPid: ['Copy PID', '复制 PID'],
  copyCmd: ['Copy command line', '复制命令行'],
  copyKey: ['Copy address', '复制地址'],
  rowMenu: ['Actions for {name}', '{name} 的操作'],

  // go to
  goto: ['Host, process, PID, port…', '主机、进程、PID、端口…'],
  gotoLabel: ['Go to', '前往'],
  gotoNone: ['Nothing found', '未找到'],
  gotoTab: ['View', '视图'],
  port: ['port', '端口'],

  // shell
  language: ['中文', 'EN (English)'],
  theme: ['Light or dark', '明暗主题'],
  shortcuts: ['Keyboard shortcuts', '键盘快捷键'],
  shortcutsOn: ['Single-key shortcuts', '单键快捷键'],
  keyGoto: ['go to host, process, pid, port', '前往主机、进程、PID、端口'],
  keyFilter: ['filter', '筛选'],
  keyRow: ['row down, up', '下一行、上一行'],
  keyOpen: ['open / up', '打开 / 返回'],
  keyTree: ['tree', '树形'],
  keyGroup: ['group by name, cgroup, container, user; flat', '按名称、控制组、容器、用户分组；平铺'],
  keySort: ['sort by a column: c CPU, m memory, r read, w write, t threads, p PID, a age', '按列排序：c CPU、m 内存、r 读、w 写、t 线程、p PID、a 时长'],
  keyTab: ['tab', '标签页'],
  keyMenu: ['row menu', '行菜单'],
  keySignal: ['signal', '发送信号'],
  keyLink: ['copy link', '复制链接'],
  keyEsc: ['close, clear filter, leave', '关闭、清除筛选、离开'],
  keyHost: ['to the host', '前往主机'],
  keyHelp: ['this list', '显示此列表'],
  keyFold: ['fold, unfold', '折叠、展开'],
  expand: ['Expand', '展开'],
  collapse: ['Collapse', '折叠'],
  members: ['× {n}', '× {n}'],
} as const satisfies Record<string, readonly [string, string]>

export type Key = keyof typeof messages
export const keys = Object.keys(messages) as Key[]

/** The raw text of a key; for the completeness test. */
export function raw(key: Key, lang: Lang): string {
  return messages[key][lang === 'zh' ? 1 : 0]
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
