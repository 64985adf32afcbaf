// What the server tells in English, in Chinese: problems by their type, and the sentences that are known. Loaded with the Chinese
// words; whatever is not known here stays in the words of the server.

const TYPES: Readonly<Record<string, string>> = {
  'bad-filter': '筛选条件有误',
  'bad-request': '请求有误',
  unauthorized: '需要令牌',
  forbidden: '无权限',
  refused: '不允许操作此进程',
  'not-found': '没有此内容',
  'method-not-allowed': '此处不支持这种请求',
  conflict: '进程已不存在',
  'history-off': '历史记录已关闭',
  'too-large': '请求过大',
  'too-many-attempts': '错误的令牌过多，请稍后再试',
  'not-implemented': '尚未提供',
  unavailable: '暂时无法回答，请稍后再试',
  internal: '服务器内部错误',
}

const SENTENCES: readonly (readonly [RegExp, string])[] = [
  // why a figure is not known
  [/^forbidden: shown to those who have a token$/, '需要令牌才能查看'],
  [/^forbidden: reading it needs (.+)$/, '读取它需要 $1'],
  [/^unsupported: .*$/, '此内核或此采集方式不提供'],
  [/^absent: .*$/, '对此进程没有意义'],
  [/^skipped: .*$/, '读取它会使进程停顿过久，因此跳过'],
  [/^pending: .*$/, '尚未读取'],
  // why nothing is done
  [/^process 1 keeps the machine running and is never signalled$/, '1 号进程维持整台机器运行，不会向它发送信号'],
  [/^kernel threads do not take signals$/, '内核线程不接受信号'],
  [/^procyon does not signal itself$/, 'procyon 不向自己发送信号'],
  [/^this procyon is read-only$/, '此 procyon 为只读'],
  [/^this procyon cannot send signals$/, '此 procyon 不能发送信号'],
  [/^this needs the role operator, and .+$/, '需要操作员角色'],
  [/^the process has ended$/, '进程已结束'],
  [/^this is a past instant$/, '这是历史时刻'],
  [/^process (\d+) has ended; nothing was sent$/, '进程 $1 已结束，未发送任何信号'],
  [/^process \S+ has ended and its pid now belongs to (.+), which started later; nothing was sent$/, '进程已结束，其进程号现在属于 $1，未发送任何信号'],
  [/^could not write the audit log, so nothing was done.*$/, '无法写入审计日志，因此未执行任何操作'],
  [/^could not send (\S+) to process .*$/, '无法发送 $1'],
  // why system calls are not watched
  [/^process (\d+) belongs to the kernel and makes no system calls$/, '$1 号进程属于内核，不进行系统调用'],
  [/^process (\d+) is procyon itself$/, '$1 号进程是 procyon 自身'],
  [/^process (\d+) is already traced by process (\d+) \(`(.+)`\)$/, '$1 号进程已被 $2 号进程（$3）跟踪'],
  [/^not permitted to trace process (\d+)$/, '无权跟踪 $1 号进程'],
  [/^eBPF is not to be had here.*$/, '此处无法使用 eBPF'],
  [/^process \S+ has ended(; nothing is watched)?$/, '进程已结束'],
  [/^the token was taken back$/, '令牌已被撤销'],
  [/^the session has ended$/, '会话已结束'],
  [/^procyon stops$/, 'procyon 正在停止'],
  [/^(\d+) traces go on; there is no room for more$/, '已有 $1 个跟踪在进行，不能再增加'],
  [/^unknown system call (\S+); did you mean (\S+)\?$/, '没有系统调用 $1；是否指 $2？'],
  [/^unknown system call (\S+)$/, '没有系统调用 $1'],
  [/^unknown class (\S+); did you mean (\S+)\?$/, '没有类别 $1；是否指 $2？'],
  [/^unknown class (\S+)$/, '没有类别 $1'],
  // what was refused
  [/^wait (\d+) s before the next token$/, '请等待 $1 秒后再试'],
  [/^this token is not known; it may have been revoked$/, '令牌无效，可能已被撤销'],
  [/^not permitted to read (\S+) of process \S+; it needs (.+)$/, '无权读取此进程的 $1，需要 $2'],
  [/^no frame has been made yet; it takes one interval$/, '尚无数据，请稍候'],
  [/^no process has the pid (\d+)( at .+)?$/, '没有进程号为 $1 的进程'],
  // how the monitor is doing
  [/^watching took ([\d.]+) % of a core, more than the ceiling of (\d+) %: now every ([\d.]+) s$/, '监控占用了单核的 $1 %，超过上限 $2 %：现在每 $3 秒一次'],
  [/^recovering from a high cost: now every ([\d.]+) s$/, '占用过高后正在恢复：现在每 $1 秒一次'],
  // what a right gives
  [/^disk bytes of every process$/, '每个进程的磁盘读写量'],
  [/^the process of every socket, open files$/, '每个套接字所属的进程、打开的文件'],
  [/^proportional memory \(PSS, USS\) of every process$/, '每个进程的分摊内存（PSS、USS）'],
  [/^connections of every network namespace$/, '每个网络命名空间的连接'],
  [/^connections ten times cheaper than from text$/, '以十分之一的开销读取连接'],
  [/^details of connections in other network namespaces$/, '其他网络命名空间中连接的详情'],
  [/^final totals of processes that end$/, '结束进程的最终合计'],
  [/^births and deaths as they happen$/, '进程启动与结束的即时通知'],
  [/^the process table at a twentieth of the cost$/, '以二十分之一的开销读取进程表'],
  [/^network bytes of every process, births and deaths, system calls$/, '每个进程的网络流量、启动与结束、系统调用'],
  [/^signals to every process$/, '向每个进程发送信号'],
  // where figures come from
  [/^processes$/, '进程'], [/^connections$/, '连接'], [/^filesystems$/, '文件系统'], [/^disks$/, '磁盘'], [/^interfaces$/, '网卡'], [/^sensors$/, '传感器'], [/^users$/, '用户'],
  [/^containers$/, '容器'], [/^deaths$/, '进程结束'], [/^network$/, '网络流量'],
  // rights that a figure needs
  [/^owner or CAP_SYS_PTRACE$/, '进程所有者的权限或 CAP_SYS_PTRACE'],
]

/** A sentence of the server; one that is several, apart by `; `, part by part. */
export function told(text: string): string {
  for (const [pattern, words] of SENTENCES) if (pattern.test(text)) return text.replace(pattern, words)
  const parts = text.split('; ')
  return parts.length > 1 ? parts.map(told).join('；') : text
}

/** A problem: by its sentence, or by its type. */
export function toldProblem(p: { type: string; title: string; detail?: string }): string {
  const own = p.detail ?? p.title
  const known = told(own)
  return known !== own ? known : (TYPES[p.type.replace('urn:procyon:', '')] ?? own)
}
