// A stand-in for procyon, for the performance test and for work on the pages without a Linux host of interest.
// It serves web/dist and the JSON contract with synthetic rows; every value of every row changes each second.
//   node mock/server.mjs --rows 3000 --port 9399 [--role operator|viewer|anonymous] [--read-only] [--history HOURS]
// Its past is made up as it is asked for: a day like any other, with a backup that begins eleven hours and a half ago.
import { createServer } from 'node:http'
import { readFileSync, existsSync } from 'node:fs'
import { join, extname, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { WebSocketServer } from 'ws'

const arg = (name, fallback) => {
  const i = process.argv.indexOf(`--${name}`)
  return i < 0 ? fallback : (process.argv[i + 1] ?? true)
}
const ROWS = Number(arg('rows', 400))
const PORT = Number(arg('port', 0))
const ROLE = arg('role', 'operator')
const HISTORY_MS = Number(arg('history', 24 * 12)) * 3600e3
const READ_ONLY = process.argv.includes('--read-only')
const here = fileURLToPath(new URL('.', import.meta.url))
const dist = join(here, '../dist')
const figures = JSON.parse(readFileSync(join(here, 'catalogue.json'), 'utf8'))
const K = 1024, M = K * K, G = M * K
const boot = Date.now() - 213 * 86400e3
const key = (p) => `${p.pid}-${p.ticks}-1a2b3c4d`

let seed = 7
const rnd = () => { seed = (seed * 1664525 + 1013904223) >>> 0; return seed / 4294967296 }
const NAMED = [
  ['mysql', 'mysqld', '--defaults-file=/etc/mysql/3309.cnf --port=3309', 11.842, 41.6 * G, 212 * M, 38 * M, 214, 3811, 18 * 86400, 'mysqld:3309', 'mysql@3309.service', 10000],
  ['mysql', 'mysqld', '--defaults-file=/etc/mysql/3306.cnf --port=3306', 3.426, 38.2 * G, 24 * M, 61 * M, 188, 2904, 213 * 86400, 'mysqld:3306', 'mysql@3306.service', 10000],
  ['clickhouse', 'clickhouse-serv', '--config-file=/etc/clickhouse-server/config.xml', 2.684, 22.7 * G, 88 * M, 4.1 * M, 402, 1127, 60 * 86400, 'clickhouse:8123', 'clickhouse-server.service', 500000],
  ['mysql', 'mysqld', '--defaults-file=/etc/mysql/3307.cnf --port=3307', 1.219, 36.9 * G, 6.2 * M, 19 * M, 161, 2410, 213 * 86400, 'mysqld:3307', 'mysql@3307.service', 10000],
  ['app', 'java', '-Xmx8g -jar /srv/settle/settle-3.18.2.jar --spring.profiles.active=prod --db.password=••••', 0.964, 8.9 * G, 0, 412 * K, 143, 611, 412300, 'settle-api', null, 65536],
  ['mysql', 'mysqldump', '--single-transaction --quick --port=3309 orders', 0.887, 164 * M, 0, 71 * M, 1, 14, 1142, 'mysqldump', 'session-2291.scope', 1024],
  ['redis', 'redis-server', '*:6379 [cluster]', 0.238, 12.4 * G, 0, 2.2 * M, 6, 9234, 213 * 86400, 'redis:6379', 'redis@6379.service', 10000],
  ['root', 'xtrabackup', '--backup --target-dir=/backup/3306 --port=3306', 0.058, 212 * M, 18 * M, 18 * M, 4, 188, 3620, 'xtrabackup', 'backup.service', 1024],
  ['root', 'dockerd', '-H fd://', 0.019, 142 * M, 0, 8 * K, 44, 131, 213 * 86400, 'docker.service', 'docker.service', 1048576],
  ['root', 'systemd-journal', '', 0.009, 188 * M, 0, 1.1 * M, 1, 402, 213 * 86400, 'systemd-journald.service', 'systemd-journald.service', 524288],
  ['nginx', 'nginx', 'worker process', 0.072, 88 * M, 0, 310 * K, 1, 2048, 86402, 'nginx:443', 'nginx.service', 4096],
]
let nextPid = 300
function birth(i) {
  const named = NAMED[i]
  const kthread = !named && i % 7 === 3
  const [user, name, args, cpu, rss, read, write, threads, fds, age, label, unit, limit] = named ?? [
    ['root', 'app', 'deploy', 'postfix', 'www-data'][i % 5],
    kthread ? `kworker/${i % 32}:${i % 5}` : ['php-fpm', 'python3', 'node', 'sshd', 'bash', 'postgres', 'worker', 'agent'][i % 8],
    kthread ? '' : `--instance=${i} --config=/etc/app/${i}.conf`, rnd() ** 6 * 0.4, kthread ? 0 : 4 * M + rnd() ** 3 * 400 * M,
    rnd() < 0.1 ? rnd() * 8 * M : 0, rnd() < 0.2 ? rnd() * M : 0, 1 + Math.floor(rnd() * 12), kthread ? 0 : 4 + Math.floor(rnd() * 200), rnd() * 3e6, '', 'app.service', 1024,
  ]
  const pid = i === 0 ? 1 : (nextPid += 1 + Math.floor(rnd() * 7))
  return {
    pid: named && i === 0 ? 24817 : pid, ticks: Math.floor((213 * 86400 - age) * 100) + i, ppid: i % 4 === 1 && i > 12 ? null : i > 40 && i % 6 === 0 ? 'p' : 1, user, name,
    cmd: kthread ? `[${name}]` : `/usr/bin/${name} ${args}`.trim(), kthread, start: Date.now() - age * 1000, label: label || name, unit, cgroup: unit ? `/system.slice/${unit}` : '/',
    container: i % 11 === 5 ? 'settle-api' : null, base: { cpu, rss, read, write, threads, fds, limit }, v: {},
  }
}
const procs = [{ ...birth(20), pid: 1, name: 'systemd', cmd: '/sbin/init --system', user: 'root', ppid: 0, kthread: false, label: 'init', base: { cpu: 0, rss: 13 * M, read: 0, write: 0, threads: 1, fds: 188, limit: 1048576 } }]
for (let i = 0; procs.length < ROWS; i += 1) {
  const p = birth(i)
  p.ppid = p.ppid === 'p' ? procs[Math.floor(rnd() * procs.length)].pid : p.ppid === null ? 1 : 1
  procs.push(p)
}
const ring = new Map()
const hostRing = []
let frameNo = 0
const ended = []
function tick(at) {
  frameNo += 1
  if (frameNo % 5 === 0 && procs.length > 20) {
    const gone = procs.splice(20 + Math.floor(rnd() * (procs.length - 20)), 1)[0]
    ended.push({ key: key(gone), pid: gone.pid, name: gone.name, cmd: gone.cmd, user: gone.user, at, exit: frameNo % 10 === 0 ? { code: 1 } : { code: 0 } })
    const p = birth(100 + frameNo); p.start = at; p.ticks = Math.floor((at - boot) / 10); p.ppid = 1
    procs.push(p)
  }
  for (const p of procs) {
    const b = p.base
    const w = 0.8 + 0.4 * rnd()
    const io = p.kthread ? null : 1
    p.v = {
      pid: p.pid, ppid: p.ppid, tgid: p.pid, user: p.user, uid: 112, euid: 112, gid: 118, name: p.name, cmd: p.cmd, exe: p.kthread ? null : `/usr/bin/${p.name}`, cwd: p.kthread ? null : '/', cgroup: p.cgroup,
      container: p.container, unit: p.unit, label: p.label, state: b.cpu > 0.5 ? 'R' : p.kthread ? 'I' : p.name === 'xtrabackup' ? 'D' : 'S', kthread: p.kthread,
      cpu: b.cpu * w, cpu_user: b.cpu * w * 0.85, cpu_sys: b.cpu * w * 0.15, utime: b.cpu * 3000 + frameNo, stime: b.cpu * 400 + frameNo, runq: b.cpu * 0.03 * w, runq_total: 12 + frameNo,
      rss: b.rss * (0.98 + 0.04 * rnd()), pss: b.rss * 0.97, uss: b.rss * 0.96, pss_age: 12, swap: 0, swap_pss: 0, vsize: b.rss * 1.2, vmpeak: b.rss * 1.22, vmhwm: b.rss * 1.03, vmlck: 0, vmpin: 0, vmdata: b.rss, vmstk: 132 * K, vmexe: 27 * M, vmlib: 12 * M, vmpte: 88 * K,
      read: io && b.read * w, write: io && b.write * w, rchar: io && b.read * 2, wchar: io && b.write * 2, read_total: io && b.read * 1000, write_total: io && b.write * 1000, rchar_total: 0, wchar_total: 0,
      rx: null, tx: null, rx_total: null, tx_total: null, minflt: rnd() * 100, majflt: rnd() * 2, minflt_total: 1000, majflt_total: 10, nvcsw: 100 * w, nivcsw: 10 * w, nvcsw_total: 1000 * frameNo, nivcsw_total: 10 * frameNo,
      threads: b.threads, fds: p.kthread ? null : b.fds, fd_limit: p.kthread ? null : b.limit, fd_ratio: p.kthread ? null : b.fds / b.limit, oom_score: 412, oom_adj: 0, nice: 0, policy: 'SCHED_OTHER', wchan: p.kthread ? 'worker_thread' : 'futex_wait', start: p.start, age: (at - p.start) / 1000, quarantined: false,
    }
    let r = ring.get(key(p))
    if (!r) ring.set(key(p), (r = []))
    r.push([at, p.v])
    if (r.length > 90) r.shift()
  }
  const sum = (f) => procs.reduce((a, p) => a + (p.v[f] ?? 0), 0)
  const h = {
    cpu_busy: Math.min(31.5, sum('cpu') + 1.2 + rnd()), cpus: 32, load1: 24.8, load5: 21.1, load15: 14.6, temp: 66, mem_total: 256 * G, mem_used: Math.min(240 * G, sum('rss') * 0.9 + 4 * G), mem_free: 20 * G, mem_available: 40 * G, swap_total: 0, swap_free: 0, swap_used: 0,
    psi_cpu_some: 0.19, psi_mem_some: 0, psi_mem_full: 0, psi_io_some: 0.04, psi_io_full: 0.02, disk_read: sum('read') + 5 * M * rnd(), disk_write: sum('write') + 2 * M, disk_busy: 0.41, net_rx: 110 * M * (0.9 + 0.2 * rnd()), net_tx: 200 * M * (0.9 + 0.2 * rnd()), net_speed: 25e9, processes: procs.length, threads: sum('threads'), users: 3, uptime: 213 * 86400 - 3600, running: 12, blocked: 1,
  }
  h.cpu_usage = h.cpu_busy / 32
  hostRing.push([at, h])
  if (hostRing.length > 900) hostRing.shift()
  return h
}
let host = null
for (let i = 90; i > 0; i -= 1) host = tick(Date.now() - i * 1000)
// Fifteen minutes of the host, made up once.
for (let i = hostRing.length; i < 880; i += 1) hostRing.unshift([Date.now() - 90_000 - (i - 90) * 1000, { ...hostRing[0][1], cpu_busy: 14 + 3 * Math.sin(i / 40) + rnd(), disk_read: 200 * M * (0.8 + 0.4 * rnd()) }])

const HOST = { id: 'h0', name: 'db-prod-07', aliases: ['local'], os: 'Ubuntu 22.04.5 LTS', kernel: '5.15.0-130', arch: 'x86_64', cpus: 32, cpu_model: 'Xeon 6330', boot_id: '1a2b3c4d', boot_time: boot, state: 'up', interval_ms: 1000, version: '0.1.0', at: Date.now() }
const connections = Array.from({ length: 600 }, (_, i) => ({ proto: i % 9 === 0 ? 'udp' : 'tcp', local: i % 20 === 0 ? `*:${3300 + (i % 50)}` : `10.4.7.21:${3306 + (i % 4)}`, remote: i % 20 === 0 ? '*' : `10.4.20.${i % 250}:${40000 + i}`, local_port: 3306 + (i % 4), remote_port: 40000 + i, state: i % 20 === 0 ? 'LISTEN' : i % 13 === 0 ? 'TIME-WAIT' : 'ESTAB', pid: procs[1].pid, key: key(procs[1]), name: 'mysqld', user: 'mysql', label: 'mysqld:3309', inode: 1000 + i, rx_queue: i % 30 === 0 ? 4096 : 0, tx_queue: 0, netns: 4026531840, uid: 112 }))
function lists() {
  return {
    at: Date.now(), figures: host, ages: { filesystems: 3.2 },
    cores: Array.from({ length: 32 }, (_, id) => ({ id, usage: rnd(), user: rnd() * 0.7, nice: 0, system: rnd() * 0.2, iowait: rnd() * 0.05, irq: 0, softirq: 0.01, steal: 0, idle: 0.2, freq: 2.4e9 })),
    disks: ['nvme0n1', 'nvme1n1', 'sda'].map((name, i) => ({ name, model: 'INTEL SSDPE2KX040T8', size: 3.6e12, read: 80 * M * rnd(), write: 40 * M * rnd(), reads: 812, writes: 390, busy: [0.41, 0.95, 0.02][i], await: 0.0008, queue: 1.4, read_total: 5e12, write_total: 3e12 })),
    interfaces: ['bond0', 'eth0', 'lo'].map((name) => ({ name, state: 'up', kind: 'ethernet', speed: name === 'lo' ? null : 25e9, rx: 110 * M * rnd(), tx: 220 * M * rnd(), rx_packets: 88000, tx_packets: 91000, rx_errors: 0, tx_errors: 0, rx_drops: 0, tx_drops: 0, mtu: 1500, address: '10.4.7.21', rx_total: 1e13, tx_total: 2e13 })),
    filesystems: [['/', 0.42], ['/data', 0.91], ['/backup', 0.77], ['/mnt/nfs', null]].map(([mount, usage]) => ({ mount, device: '/dev/nvme0n1p2', type: usage === null ? 'nfs4' : 'ext4', size: usage === null ? null : 1.8e12, used: usage === null ? null : usage * 1.8e12, free: usage === null ? null : (1 - usage) * 1.8e12, available: usage === null ? null : (1 - usage) * 1.7e12, usage, inodes: 1.2e8, inodes_free: 1.1e8, inodes_usage: 0.08, read_only: false, state: usage === null ? 'timeout' : 'ok' })),
    sensors: [{ name: 'Package id 0', chip: 'coretemp', temp: 66, high: 90, critical: 100 }],
    users: ['zhao', 'root', 'deploy'].map((name, i) => ({ name, tty: `pts/${i}`, from: `10.4.1.${i}`, login_time: Date.now() - 7200e3, idle: i * 300, pid: 5000 + i })),
    containers: [{ name: 'settle-api', id: '3f9a1c2b', engine: 'docker', image: 'registry/settle:3.18.2', processes: 4, cpu: 1.2, rss: 9 * G, read: 0, write: 400 * K, cgroup: '/docker/3f9a1c2b' }],
  }
}
const evaluator = (q) => {
  if (!q) return null
  const src = q.replace(/(\d+(?:\.\d+)?)\.(KiB|MiB|GiB|min)\b/g, (_, n, u) => String(n * { KiB: K, MiB: M, GiB: G, min: 60 }[u])).replace(/\.contains\(/g, '.includes(')
  const unknown = src.replace(/"[^"]*"/g, '').match(/\b[a-z_]+\b/g)?.find((w) => !['includes', 'true', 'false', 'null'].includes(w) && !figures.some((f) => f.scope === 'process' && f.id === w))
  if (unknown) {
    const at = q.indexOf(unknown)
    const near = figures.filter((f) => f.scope === 'process').map((f) => f.id).find((id) => id.startsWith(unknown.slice(0, 2)) && id !== unknown)
    throw { type: 'urn:procyon:bad-filter', title: `Unknown field ${unknown}`, status: 400, detail: `Unknown field ${unknown}`, position: { line: 1, column: at + 1 }, span: [at, at + unknown.length], suggestion: unknown === 'nam' ? 'name' : near }
  }
  try {
    return new Function('v', `with (v) { return (${src}) }`)
  } catch {
    throw { type: 'urn:procyon:bad-filter', title: 'The filter ends too early', status: 400, detail: 'The filter ends too early', position: { line: 1, column: q.length + 1 }, span: [q.length, q.length] }
  }
}
const top = (by, n) => [...procs].sort((a, b) => (b.v[by] ?? 0) - (a.v[by] ?? 0)).slice(0, n).map((p) => ({ key: key(p), label: p.label, values: Object.fromEntries(['cpu', 'rss', 'read', 'write', 'rx', 'tx'].map((f) => [f, p.v[f]])) }))

// ---- the past ----
const began = Date.now()
const kept = began - HISTORY_MS
const HOUR = 3600e3
const GAP = { from: Math.floor((began - 6.8 * HOUR) / 1000) * 1000, to: Math.floor((began - 6.25 * HOUR) / 1000) * 1000 }
const noise = (n) => { const x = Math.sin(n * 12.9898) * 43758.5453; return x - Math.floor(x) }
const smooth = (t, id) => { const k = t / 1000; const i = Math.floor(k / 7); const f = k / 7 - i; return noise(i + id) * (1 - f) + noise(i + 1 + id) * f }
const BACKUP = { from: began - 11.5 * HOUR, to: began - 11 * HOUR }
const part = (t) => (t < BACKUP.from || t > BACKUP.to ? 0 : Math.min(1, (t - BACKUP.from) / 200e3, (BACKUP.to - t) / 90e3))
const backup = { ...birth(7), pid: 20911, ticks: 123456789, name: 'xtrabackup', cmd: '/usr/bin/xtrabackup --backup --target-dir=/backup/3309 --port=3309 --parallel=6', user: 'root', ppid: 1, kthread: false, label: 'xtrabackup', start: BACKUP.from, base: { cpu: 7.4, rss: 1.1 * G, read: 1.4 * G, write: 1.4 * G, threads: 11, fds: 412, limit: 1024 } }
const load = (t) => 0.55 + 0.2 * Math.sin(((t / HOUR) % 24) / 24 * 6.283) + 1.1 * Math.exp(-(((t - (began - 0.4 * HOUR)) / (0.3 * HOUR)) ** 2))
function valueOf(p, t, f) {
  const b = p.base
  const w = (p === backup ? part(t) : p.kthread ? 1 : load(t)) * (0.8 + 0.4 * smooth(t, p.pid))
  switch (f) {
    case 'cpu': return b.cpu * w
    case 'cpu_user': return b.cpu * w * 0.85
    case 'cpu_sys': return b.cpu * w * 0.15
    case 'rss': return b.rss * (0.96 + 0.03 * smooth(t / 50, p.pid))
    case 'read': case 'write': return p.kthread ? null : b[f] * w
    case 'rx': case 'tx': return null
    case 'runq': return b.cpu * 0.03 * w
    case 'threads': return b.threads
    case 'fds': return p.kthread ? null : b.fds
    case 'age': return (t - p.start) / 1000
    case 'start': return p.start
    case 'majflt': return smooth(t, p.pid) * 2
    case 'minflt': return smooth(t, p.pid) * 90
    default: return p.v[f] ?? (f === 'pid' ? p.pid : f === 'name' ? p.name : f === 'cmd' ? p.cmd : f === 'user' ? p.user : f === 'ppid' ? 1 : f === 'state' ? 'D' : f === 'kthread' ? false : null)
  }
}
const living = (t) => [...procs.filter((p) => p.start <= t), ...(part(t) > 0 ? [backup] : [])]
const everyone = () => [...procs, backup]
const heavy = () => everyone().filter((p) => p === backup || p.base.cpu > 0.01)
function hostAt(t) {
  const cpu = Math.min(31.5, 1.2 + heavy().reduce((a, p) => a + (p === backup || p.start <= t ? valueOf(p, t, 'cpu') : 0), 0))
  return { ...host, cpu_busy: cpu, cpu_usage: cpu / 32, mem_used: 188 * G + 20 * G * smooth(t / 300, 5), disk_read: 60 * M * load(t) + 1.5 * G * part(t), disk_write: 90 * M * load(t) + 1.4 * G * part(t), net_rx: 110 * M * load(t), net_tx: 200 * M * load(t), processes: living(t).length, load1: cpu * 1.1, uptime: (t - boot) / 1000 }
}
const frameBefore = (t) => (t >= GAP.from && t < GAP.to ? GAP.from : Math.floor(Math.min(t, Date.now()) / 1000) * 1000)
const gapAt = (t) => (t > GAP.from + 2000 && t < GAP.to ? { gap: GAP } : {})
const instantOf = (text) => { const now = Date.now(); if (text === null || /^(now|live)$/.test(text)) return now; const m = /^-(\d+)(s|m|h|d)$/.exec(text); if (m) return now - m[1] * { s: 1e3, m: 60e3, h: HOUR, d: 24 * HOUR }[m[2]]; return /^\d+$/.test(text) ? Number(text) : Date.parse(text) }
const gridOf = (p) => {
  const from = instantOf(p.get('from') ?? '-15m'), to = instantOf(p.get('to')), m = /^(\d+)(ms|s|m|h|d)$/.exec(p.get('step') ?? '1s')
  const step = m[1] * { ms: 1, s: 1e3, m: 60e3, h: HOUR, d: 24 * HOUR }[m[2]]
  const times = []
  for (let t = Math.ceil(from / step) * step; t <= to; t += step) times.push(t)
  return { from, to, step, times }
}
const known = (t) => t >= kept && t <= Date.now() && (t <= GAP.from || t >= GAP.to)
const gapsOf = (g) => (GAP.from < g.to && GAP.to > g.from ? [GAP] : [])
const before = { type: 'urn:procyon:not-found', title: 'There is no history at this instant', status: 404, detail: `History of db-prod-07 goes from ${new Date(kept).toISOString()} to now` }

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' }
let role = ROLE
const server = createServer((req, res) => {
  const url = new URL(req.url, 'http://x')
  const json = (v, status = 200) => { res.writeHead(status, { 'content-type': status >= 400 ? 'application/problem+json' : 'application/json' }); res.end(JSON.stringify(v)) }
  const path = url.pathname
  if (!path.startsWith('/api/')) {
    const file = normalize(join(dist, path))
    const found = file.startsWith(dist) && existsSync(file) && extname(file) !== '' ? file : join(dist, 'index.html')
    res.writeHead(200, { 'content-type': TYPES[extname(found)] ?? 'application/octet-stream', 'content-security-policy': "default-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'" })
    res.end(readFileSync(found))
    return
  }
  const parts = path.slice('/api/v1/'.length).split('/').map(decodeURIComponent)
  const p = url.searchParams
  if (parts[0] === 'session') {
    if (req.method === 'POST') {
      let body = ''
      req.on('data', (d) => (body += d)).on('end', () => {
        if (JSON.parse(body).token !== 'good') return json({ type: 'urn:procyon:unauthorized', title: 'Not a valid token', status: 401 }, 401)
        role = 'operator'
        json({ role, name: 'zhao', read_only: READ_ONLY })
      })
      return
    }
    if (req.method === 'DELETE') { role = 'anonymous'; return json({}) }
    return json({ role, name: role === 'anonymous' ? null : 'zhao', read_only: READ_ONLY })
  }
  if (parts[0] === 'catalogue') return json({ figures })
  if (parts[0] === 'health') return json({ status: 'ok', version: '0.1.0', at: Date.now(), role, read_only: READ_ONLY, sources: [], capabilities: [{ id: 'CAP_SYS_PTRACE', held: false, gives: 'disk I/O, open files and PSS of other users', grant: 'systemctl edit procyon  # AmbientCapabilities=CAP_SYS_PTRACE' }], pace: { nominal_ms: 1000, actual_ms: 1000, reason: null }, self: { cpu: 0.004, rss: 21 * M, hwm: 24 * M }, quarantined: [] })
  if (parts[0] !== 'hosts') return json({ type: 'urn:procyon:not-found', title: 'Not found', status: 404 }, 404)
  if (parts.length === 1) return json({ at: Date.now(), items: [HOST], total: 1, next: null })
  if (!['h0', 'local', 'db-prod-07'].includes(parts[1])) return json({ type: 'urn:procyon:not-found', title: 'No such host', status: 404 }, 404)
  if (parts.length === 2) return json(HOST)
  const at = p.has('at') ? instantOf(p.get('at')) : null
  if (at !== null && at < kept) return json(before, 404)
  switch (parts[2]) {
    case 'history': return json({ at: Date.now(), state: HISTORY_MS > 0 ? 'on' : 'off', reason: null, from: HISTORY_MS > 0 ? kept : null, to: HISTORY_MS > 0 ? Date.now() : null, interval_ms: 1000, bytes: 812 * M, limit_bytes: 10 * G, retention_s: 30 * 86400, missed: 0, lost: 0 })
    case 'step': { let t = frameBefore(at) + Number(p.get('by')) * 1000; if (t > GAP.from && t < GAP.to) t = Number(p.get('by')) < 0 ? GAP.from : GAP.to; return json({ at: Math.max(kept, Math.min(t, Math.floor(Date.now() / 1000) * 1000)) }) }
    case 'events': {
      const g = gridOf(p), kinds = (p.get('kinds') ?? 'birth,death,gap,boot').split(',')
      const all = [{ at: began - 4.6 * HOUR, kind: 'boot' }, { at: BACKUP.to, kind: 'death', key: key(backup), name: backup.name, exit: { code: 0 } }, { at: began - 15 * HOUR, kind: 'death', key: key(procs[5]), name: 'java', exit: { signal: 'SIGKILL' } }, { at: began - 2.1 * HOUR, kind: 'death', key: key(procs[6]), name: 'mysqldump', exit: { signal: 'SIGSEGV' } }]
      return json({ at: Date.now(), items: all.filter((e) => (kinds.includes(e.kind) || (kinds.includes('kill') && e.exit?.signal !== undefined)) && e.at >= g.from && e.at <= g.to).map((e) => ({ key: null, name: null, exit: null, since: null, ...e })), total: 1, next: null })
    }
    case 'search': return json({ at: Date.now(), items: everyone().filter((x) => `${x.pid} ${x.cmd}`.includes(p.get('q'))).slice(0, 20).map((x) => ({ key: key(x), pid: x.pid, name: x.name, cmd: x.cmd, user: x.user, label: x.label, cgroup: '/', started: x.start, first: Math.max(kept, x.start), last: x === backup ? BACKUP.to : Date.now(), ended: x === backup })), total: 1, next: null })
    case 'figures': return json(at === null ? lists() : { ...lists(), at: frameBefore(at), figures: hostAt(frameBefore(at)), ...gapAt(at) })
    case 'connections': { const all = connections; return json({ at: Date.now(), items: all.slice(0, Number(p.get('limit') ?? 1000)), total: all.length, matched: all.length, next: null }) }
    case 'ended': return json({ at: Date.now(), items: ended.filter((e) => e.at > Date.now() - 60_000), total: 1, next: null })
    case 'top': {
      if (HISTORY_MS === 0) return json({ at: Date.now(), items: top(p.get('by') ?? 'cpu', 10).map((x) => ({ ...x, name: x.label, value: x.values[p.get('by') ?? 'cpu'] ?? 0 })), other: { count: 1, value: 1 } })
      const g = gridOf(new URLSearchParams({ from: p.get('from'), to: p.get('to') ?? 'now', step: '1s' })), by = p.get('by') ?? 'cpu', n = Number(p.get('n') ?? 10)
      const some = g.times.filter((_, i) => i % Math.max(1, Math.floor(g.times.length / 60)) === 0).filter(known)
      const of = p.get('group')
      let all = heavy().map((x) => ({ x, value: some.reduce((a, t) => a + (x.start <= t && (x !== backup || part(t) > 0) ? (valueOf(x, t, by) ?? 0) : 0), 0) / Math.max(1, some.length) })).sort((a, b) => b.value - a.value).map(({ x, value }) => ({ key: key(x), label: x.label, name: x.name, value, group: x.label, processes: 1, user: x.user, cmd: x.cmd, first: Math.max(g.from, x.start), last: x === backup ? Math.min(g.to, BACKUP.to) : g.to }))
      if (of) {
        const groups = new Map()
        for (const i of all) { const w = of === 'user' ? i.user : of === 'name' ? i.name : of === 'unit' ? 'app.service' : ''; const q = groups.get(w); if (q) { q.value += i.value; q.processes += 1 } else groups.set(w, { ...i, group: w }) }
        all = [...groups.values()]
      }
      return json({ at: Date.now(), items: all.slice(0, n), other: { count: Math.max(0, all.length - n), value: all.slice(n).reduce((a, x) => a + x.value, 0) }, covered_s: some.length * (g.to - g.from) / 1000 / Math.max(1, g.times.filter((_, i) => i % Math.max(1, Math.floor(g.times.length / 60)) === 0).length) })
    }
    case 'series': {
      const cols = p.get('columns').split(',')
      const g = gridOf(p)
      if (HISTORY_MS > 0 && (p.get('scope') === 'host' || p.has('keys')) && (g.from < began - 880e3 || p.has('to'))) {
        if (p.get('scope') === 'host') { const at = g.times.map((t) => (known(t) ? hostAt(t) : null)); return json({ at: Date.now(), step_ms: g.step, times: g.times, series: [{ key: null, label: '', values: Object.fromEntries(cols.map((c) => [c, at.map((h) => h?.[c] ?? null)])) }], gaps: gapsOf(g) }) }
        return json({ at: Date.now(), step_ms: g.step, times: g.times, gaps: gapsOf(g), series: p.get('keys').split(',').flatMap((k) => { const x = everyone().find((y) => key(y) === k); return x === undefined ? [] : [{ key: k, label: x.label, values: Object.fromEntries(cols.map((c) => [c, g.times.map((t) => (known(t) && t >= x.start && (x !== backup || part(t) > 0) ? valueOf(x, t, c) : null))])) }] }) })
      }
      if (p.get('scope') === 'host') return json({ at: Date.now(), step_ms: 1000, times: hostRing.map((x) => x[0]), series: [{ key: null, label: '', values: Object.fromEntries(cols.map((c) => [c, hostRing.map((x) => x[1][c] ?? null)])) }] })
      const keys = p.get('keys')?.split(',') ?? procs.map(key)
      const times = hostRing.slice(-60).map((x) => x[0])
      return json({ at: Date.now(), step_ms: 1000, times, series: keys.filter((k) => ring.has(k)).map((k) => { const m = new Map(ring.get(k).map(([t, v]) => [t, v])); return { key: k, label: '', values: Object.fromEntries(cols.map((c) => [c, times.map((t) => m.get(t)?.[c] ?? null)])) } }) })
    }
    case 'processes': {
      if (parts.length === 3 && at !== null) {
        let fn = null
        try { fn = evaluator(p.get('q')) } catch (e) { return json(e, 400) }
        const t = frameBefore(at), cols = (p.get('columns') ?? 'pid,name').split(',')
        const all = living(t)
        const list = all.filter((x) => fn === null || fn({ ...x.v, ...Object.fromEntries(['pid', 'name', 'cmd', 'user', 'cpu', 'rss', 'read', 'write'].map((f) => [f, valueOf(x, t, f)])) }))
        return json({ at: t, items: list.map((x) => ({ key: key(x), matched: true, ...Object.fromEntries(cols.map((c) => [c, valueOf(x, t, c)])) })), total: all.length, matched: list.length, next: null, ...gapAt(at) })
      }
      if (parts.length === 3) {
        let fn = null
        try { fn = evaluator(p.get('q')) } catch (e) { return json(e, 400) }
        const list = procs.filter((x) => fn === null || fn(x.v))
        return json({ at: Date.now(), items: list.slice(0, Number(p.get('limit') ?? 100)).map((x) => ({ key: key(x), ...x.v })), total: procs.length, matched: list.length, next: null })
      }
      const x = (at === null ? procs : everyone()).find((y) => key(y) === parts[3] || String(y.pid) === parts[3])
      if (x === undefined || (at !== null && (x.start > at || (x === backup && at > BACKUP.to + HOUR)))) return json({ type: 'urn:procyon:not-found', title: 'No such process', status: 404, detail: `${parts[3]} is not known` }, 404)
      if (parts[4] === 'threads') return json({ at: Date.now(), items: Array.from({ length: x.base.threads }, (_, i) => ({ tid: x.pid + i, name: x.name, state: 'S', cpu: rnd() * 0.2, utime: 12, stime: 3, processor: i % 32, nice: 0, policy: 'SCHED_OTHER', wchan: 'futex_wait', nvcsw_total: 100, nivcsw_total: 2 })), total: x.base.threads, next: null })
      if (parts[4] === 'files') return json({ at: Date.now(), items: Array.from({ length: Math.min(300, x.base.fds) }, (_, i) => ({ fd: i, kind: i % 3 === 0 ? 'socket' : 'file', target: i % 3 === 0 ? `socket:[${9000 + i}]` : `/data/mysql/ibdata${i}`, position: i * 4096, flags: 'O_RDWR', inode: 9000 + i })), total: x.base.fds, next: null })
      if (parts[4] === 'connections') return json({ at: Date.now(), items: connections.slice(0, 200), total: 200, next: null })
      if (parts[4] === 'signal') {
        if (role !== 'operator') return json({ type: 'urn:procyon:forbidden', title: 'Needs the operator role', status: 403 }, 403)
        procs.splice(procs.indexOf(x), 1)
        ended.push({ key: key(x), pid: x.pid, name: x.name, cmd: x.cmd, user: x.user, at: Date.now(), exit: { signal: 'SIGTERM' } })
        return json({ result: 'sent', signal: 'SIGTERM', key: key(x) })
      }
      return json({ at: Date.now(), key: key(x), values: x.v, absent: x.kthread ? { exe: 'kernel thread' } : {}, parents: [{ key: key(procs[0]), pid: 1, name: 'systemd' }], children: procs.filter((y) => y.ppid === x.pid).slice(0, 50).map((y) => ({ key: key(y), pid: y.pid, name: y.name })), limits: [{ name: 'nofile', soft: x.base.limit, hard: x.base.limit, unit: 'files', used: x.base.fds }, { name: 'nproc', soft: 15000, hard: 15000, unit: 'processes', used: x.base.threads }, { name: 'memlock', soft: 65536, hard: 65536, unit: 'bytes', used: 0 }, { name: 'stack', soft: 8 * M, hard: null, unit: 'bytes', used: 132 * K }], cgroup_limits: { memory: x === procs[1] ? 48 * G : null, cpu: x === procs[1] ? 16 : null }, listening: x === procs[1] ? [3309] : [], connections: x === procs[1] ? 200 : 0, ...(at === null ? {} : { at: frameBefore(at), values: Object.fromEntries(figures.filter((f) => f.scope === 'process').map((f) => [f.id, valueOf(x, frameBefore(at), f.id)])), limits: [], ...gapAt(at) }), signal: at !== null ? { allowed: false, reason: 'this is a past instant' } : { allowed: x.pid !== 1 && !x.kthread, reason: x.pid === 1 ? 'pid 1 is never signalled' : x.kthread ? 'a kernel thread takes no signals' : null }, ...(at !== null && x === backup && part(at) <= 0 ? { state: 'ended', exit: { code: 0 }, ended_at: BACKUP.to } : { state: 'running' }) })
    }
  }
  json({ type: 'urn:procyon:not-found', title: 'Not found', status: 404 }, 404)
})
const wss = new WebSocketServer({ server })
const clients = new Set()
wss.on('connection', (ws) => {
  const c = { ws, sub: null, fn: null, rows: new Map(), next: 0, seq: 0, last: new Map(), paused: false, columns: [] }
  clients.add(c)
  ws.on('close', () => clients.delete(c))
  ws.send(JSON.stringify({ type: 'hello', version: '0.1.0', host: HOST, role, read_only: READ_ONLY }))
  ws.on('message', (data) => {
    const m = JSON.parse(String(data))
    if (m.type === 'pause') c.paused = true
    if (m.type === 'resume') c.paused = false
    if (m.type !== 'subscribe') return
    try {
      c.fn = evaluator(m.q)
    } catch (e) {
      ws.send(JSON.stringify({ type: 'error', problem: e }))
      return
    }
    c.sub = m
    c.columns = m.columns.filter((x) => figures.some((f) => f.scope === 'process' && f.id === x))
    c.rows.clear(); c.last.clear(); c.next = 0
    send(c, true, Date.now(), [])
  })
})
function send(c, full, at, gone) {
  const cols = c.columns
  c.seq += 1
  const list = procs.filter((p) => { try { return c.fn === null || c.fn(p.v) } catch { return false } })
  const common = { seq: c.seq, at, total: procs.length, matched: list.length, host, top: top(c.sub.top.by, c.sub.top.n), ended: gone, pace: null, quarantined: 0 }
  const now = new Set(list.map(key))
  if (full) {
    for (const p of list) { c.rows.set(key(p), c.next); c.next += 1; c.last.set(key(p), cols.map((f) => p.v[f])) }
    c.ws.send(JSON.stringify({ type: 'full', interval_ms: 1000, columns: cols, rows: list.map((p) => [c.rows.get(key(p)), key(p), ...c.last.get(key(p))]), ...common }))
    return
  }
  const add = [], set = [], out = []
  for (const [k, row] of c.rows) if (!now.has(k)) { out.push(row); c.rows.delete(k); c.last.delete(k) }
  for (const p of list) {
    const k = key(p)
    const values = cols.map((f) => p.v[f])
    const row = c.rows.get(k)
    if (row === undefined) { c.rows.set(k, c.next); add.push([c.next, k, ...values]); c.next += 1 } else {
      const was = c.last.get(k)
      const change = [row]
      for (let i = 0; i < cols.length; i += 1) if (was[i] !== values[i] && cols[i] !== 'age') change.push(i, values[i])
      if (change.length > 1) set.push(change)
    }
    c.last.set(k, values)
  }
  c.ws.send(JSON.stringify({ type: 'delta', base: c.seq - 1, add, set, gone: out, ...common }))
}
setInterval(() => {
  const at = Date.now()
  const before = ended.length
  host = tick(at)
  for (const c of clients) if (c.sub !== null && c.ws.readyState === 1 && (!c.paused || frameNo % 10 === 0)) send(c, false, at, ended.slice(before))
}, 1000)
server.listen(PORT, '127.0.0.1', () => console.log(`mock: http://127.0.0.1:${server.address().port}/ rows=${ROWS}`))
