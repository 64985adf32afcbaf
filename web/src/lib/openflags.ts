// The flags of an open file by name (`fcntl.h`). The kernel writes them in octal; a few numbers differ by architecture.

const COMMON: readonly (readonly [number, string])[] = [
  [0o100, 'CREAT'], [0o200, 'EXCL'], [0o400, 'NOCTTY'], [0o1000, 'TRUNC'], [0o2000, 'APPEND'], [0o4000, 'NONBLOCK'], [0o20000, 'ASYNC'],
  [0o1000000, 'NOATIME'], [0o2000000, 'CLOEXEC'], [0o10000000, 'PATH'],
]
/** `O_LARGEFILE` is set by the kernel for nearly every file and tells nothing. */
const X86 = { direct: 0o40000, large: 0o100000, directory: 0o200000, nofollow: 0o400000 }
const ARM = { direct: 0o200000, large: 0o400000, directory: 0o40000, nofollow: 0o100000 }
const SYNC = 0o4010000
const DSYNC = 0o10000
const TMPFILE = 0o20000000

/** `02100002` as `RDWR CLOEXEC`; what is no number stays as it is. */
export function openFlags(text: string, arch: string | null | undefined): string {
  if (!/^0?[0-7]+$/.test(text)) return text
  let rest = Number.parseInt(text, 8)
  const own = /^(aarch64|arm)/.test(arch ?? '') ? ARM : X86
  const out = [['RDONLY', 'WRONLY', 'RDWR', 'RDWR'][rest & 3] as string]
  rest &= ~3
  const take = (bits: number, name: string): void => {
    if ((rest & bits) !== bits) return
    if (name !== '') out.push(name)
    rest &= ~bits
  }
  take(TMPFILE | own.directory, 'TMPFILE')
  take(SYNC | DSYNC, 'SYNC')
  take(DSYNC, 'DSYNC')
  take(own.large, '')
  take(own.direct, 'DIRECT')
  take(own.directory, 'DIRECTORY')
  take(own.nofollow, 'NOFOLLOW')
  for (const [bits, name] of COMMON) take(bits, name)
  if (rest !== 0) out.push(`0${rest.toString(8)}`)
  return out.join(' ')
}
