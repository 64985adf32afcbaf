// What the whole page shares: what the reader chose, session, catalogue, toasts.

import { get, post, problemOf, remove } from './api'
import { Catalogue } from './figures'
import type { Lang, Key } from './i18n'
import { loadLanguage, problemIn, toldIn, translate } from './i18n'
import type { Figure, Host, Problem, Session } from './types'

const store = {
  get(name: string): string | null {
    try {
      return localStorage.getItem(`procyon.${name}`)
    } catch {
      return null
    }
  },
  set(name: string, value: string): void {
    try {
      localStorage.setItem(`procyon.${name}`, value)
    } catch {
      // A browser without storage forgets; everything else works.
    }
  },
  forget(name: string): void {
    try {
      localStorage.removeItem(`procyon.${name}`)
    } catch {
      // Nothing was kept.
    }
  },
}
export { store as memory }

/** What was chosen of a few; null: nothing, or nothing that is offered. */
function chosen<T extends string>(name: string, of: readonly T[]): T | null {
  const v = store.get(name)
  return of.find((x) => x === v) ?? null
}

function keep(name: string, value: string | null): void {
  if (value === null) store.forget(name)
  else store.set(name, value)
}

const wantsLight = matchMedia('(prefers-color-scheme: light)')

export interface Toast { id: number; kind: 'ok' | 'warn'; text: string }

class App {
  lang = $state<Lang>(document.documentElement.lang.startsWith('zh') ? 'zh' : 'en')
  theme = $state<'dark' | 'light'>(document.documentElement.dataset['theme'] === 'light' ? 'light' : 'dark')
  /** What was chosen; null: what the browser says. */
  chosenLang = $state<Lang | null>(chosen('lang', ['en', 'zh']))
  chosenTheme = $state<'dark' | 'light' | null>(chosen('theme', ['dark', 'light']))
  density = $state<'compact' | 'cozy'>(chosen('density', ['compact', 'cozy']) ?? 'compact')
  /** What 100 % of CPU is for processes. */
  cpuOf = $state<'core' | 'machine'>(chosen('cpu', ['core', 'machine']) ?? 'core')
  /** Time zone of a page whose address names none; null: the browser's. */
  usualZone = $state<string | null>(store.get('zone'))
  /** Processors of the host that is shown. */
  cpus = $state(1)
  session = $state.raw<Session>({ role: 'anonymous', name: null, read_only: false })
  hosts = $state.raw<Host[]>([])
  catalogue = $state.raw<Catalogue>(new Catalogue([]))
  /** Why the page cannot start; null when it did. */
  problem = $state.raw<Problem | null>(null)
  ready = $state(false)
  toasts = $state<Toast[]>([])
  dialog = $state<'none' | 'goto' | 'shortcuts' | 'signin'>('none')
  /** Single-key shortcuts (WCAG 2.1.4: can be turned off). */
  singleKeys = $state(store.get('keys') !== 'off')
  private toastId = 0

  t(key: Key, args?: Record<string, string | number | null | undefined>): string {
    return translate(this.lang, key, args)
  }

  /** A sentence of the server in the language of the page. */
  told(text: string | null | undefined): string {
    return text === null || text === undefined ? '' : toldIn(this.lang, text)
  }

  /** A problem in the language of the page. */
  problemText(p: Problem): string {
    return problemIn(this.lang, p)
  }

  constructor() {
    wantsLight.addEventListener('change', () => { if (this.chosenTheme === null) this.showTheme() })
  }

  async setLang(chosen: Lang | null): Promise<void> {
    const lang = chosen ?? (/^zh/i.test(navigator.language) ? 'zh' : 'en')
    try {
      await loadLanguage(lang)
    } catch {
      return
    }
    this.chosenLang = chosen
    this.lang = lang
    keep('lang', chosen)
    document.documentElement.lang = lang === 'zh' ? 'zh-CN' : 'en'
  }

  setTheme(theme: 'dark' | 'light' | null): void {
    this.chosenTheme = theme
    keep('theme', theme)
    this.showTheme()
  }

  private showTheme(): void {
    this.theme = this.chosenTheme ?? (wantsLight.matches ? 'light' : 'dark')
    document.documentElement.dataset['theme'] = this.theme
  }

  setDensity(density: 'compact' | 'cozy'): void {
    this.density = density
    keep('density', density === 'compact' ? null : density)
    document.documentElement.dataset['density'] = density
  }

  setCpuOf(of: 'core' | 'machine'): void {
    this.cpuOf = of
    keep('cpu', of === 'core' ? null : of)
  }

  setZone(zone: string | null): void {
    this.usualZone = zone
    keep('zone', zone)
  }

  /** Cores that are 100 % where the CPU of processes is shown. */
  get per(): number {
    return this.cpuOf === 'machine' ? Math.max(1, this.cpus) : 1
  }

  setSingleKeys(on: boolean): void {
    this.singleKeys = on
    store.set('keys', on ? 'on' : 'off')
  }

  toast(text: string, kind: Toast['kind'] = 'ok'): void {
    this.toastId += 1
    const id = this.toastId
    this.toasts = [...this.toasts.slice(-2), { id, kind, text }]
    setTimeout(() => { this.toasts = this.toasts.filter((x) => x.id !== id) }, 6000)
  }

  get operator(): boolean {
    return this.session.role === 'operator' && !this.session.read_only
  }

  /** Of these figures of processes, those that this reader may have. */
  readable<T extends string>(ids: readonly T[]): T[] {
    return ids.filter((id) => {
      const x = this.catalogue.get('process', id)
      return x !== undefined && (x.public || this.session.role !== 'anonymous')
    })
  }

  /** Exchanges the token of a sign-in link and takes it out of the address bar. */
  async useLink(): Promise<void> {
    const m = /^#token=(.+)$/.exec(location.hash)
    if (m === null) return
    history.replaceState(null, '', location.pathname + location.search)
    try {
      this.session = await post<Session>('/session', { token: decodeURIComponent(m[1] as string) })
    } catch (e) {
      this.toast(problemOf(e).status === 401 ? this.t('linkUsed') : this.problemText(problemOf(e)), 'warn')
    }
  }

  async start(): Promise<void> {
    this.problem = null
    try {
      const [session, figures, hosts] = await Promise.all([
        get<Session>('/session'),
        get<{ figures: Figure[] }>('/catalogue'),
        get<{ items: Host[] } | Host[]>('/hosts'),
      ])
      this.session = session
      this.catalogue = new Catalogue(figures.figures)
      this.hosts = Array.isArray(hosts) ? hosts : hosts.items
      this.ready = true
    } catch (e) {
      this.problem = problemOf(e)
    }
  }

  async signIn(token: string): Promise<Problem | null> {
    try {
      this.session = await post<Session>('/session', { token })
    } catch (e) {
      return problemOf(e)
    }
    await this.start()
    return null
  }

  async signOut(): Promise<void> {
    try {
      await remove('/session')
      this.session = await get<Session>('/session')
    } catch (e) {
      this.toast(this.problemText(problemOf(e)), 'warn')
      return
    }
    this.toast(this.t('signedOut'))
    await this.start()
  }

  async copy(text: string, done: Key): Promise<void> {
    try {
      await navigator.clipboard.writeText(text)
      this.toast(this.t(done))
    } catch {
      this.toast(this.t('copyFailed'), 'warn')
    }
  }
}

export const app = new App()
