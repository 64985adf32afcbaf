import { expect, it } from 'vitest'
import { openFlags } from './openflags'

it.each([
  ['0', 'x86_64', 'RDONLY'],
  ['02100002', 'x86_64', 'RDWR CLOEXEC'],
  ['02004002', 'x86_64', 'RDWR NONBLOCK CLOEXEC'],
  ['0102001', 'x86_64', 'WRONLY APPEND'],
  ['0140000', 'x86_64', 'RDONLY DIRECT'],
  ['02300000', 'x86_64', 'RDONLY DIRECTORY CLOEXEC'],
  ['02440000', 'aarch64', 'RDONLY DIRECTORY CLOEXEC'],
  ['0600000', 'aarch64', 'RDONLY DIRECT'],
  ['04110001', 'x86_64', 'WRONLY SYNC'],
  ['012100000', 'x86_64', 'RDONLY CLOEXEC PATH'],
  ['0100000000', 'x86_64', 'RDONLY 0100000000'],
  ['O_RDWR', 'x86_64', 'O_RDWR'],
])('%s on %s is %s', (flags, arch, names) => {
  expect(openFlags(flags, arch)).toBe(names)
})
