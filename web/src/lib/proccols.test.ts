import { describe, expect, it } from 'vitest'
import { titleOf } from './proccols'

describe('titleOf', () => {
  it.each([
    ['mysqld', '/usr/sbin/mysqld --port=3309', 'mysqld', '--port=3309'],
    ['clickhouse-serv', '/usr/bin/clickhouse-server --config x', 'clickhouse-server', '--config x'],
    ['nginx', 'nginx: worker process', 'nginx', 'worker process'],
    ['npm exec vite p', 'npm exec vite preview --port 1', 'npm exec vite preview', '--port 1'],
    ['kthreadd', '[kthreadd]', 'kthreadd', ''],
    ['app', 'python3 /srv/app.py', 'app', 'python3 /srv/app.py'],
    ['cat', '/bin/cat', 'cat', ''],
    [null, null, '?', ''],
  ])('%s | %s', (name, cmd, title, args) => {
    expect(titleOf(name, cmd)).toEqual([title, args])
  })
})
