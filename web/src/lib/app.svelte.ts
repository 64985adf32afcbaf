// What the whole page shares: language, theme, session, the address, toasts.

import { get, post, problemOf, remove } from './api'
import { Catalogue } from './figures'
import type { Lang, Key } from './i18n'
import { loadLanguage, translate } from './i18n'
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
}
export { store as memory }

export interface Toast { id: number; kind: 'ok' | 'warn'; text: string }

class App {
  lang = $state<Lang>(document.documentElement.lang.startsWith('zh') ? 'zh' : 'en')
  theme = $state<'dark' | 'light'>(document.documentElement.dataset['theme'] === 'light' ? 'light' : 'dark')
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

  async setLang(lang: Lang): Promise<void> {
    try {
      await loadLanguage(lang)
    } catch {
      return
    }
    this.lang = lang
    store.set('lang', lang)
    document.documentElement.lang = lang === 'zh' ? 'zh-CN' : 'en'
  }

  setTheme(theme: 'dark' | 'light'): void {
    this.theme = theme
    store.set('theme', theme)
    document.documentElement.dataset['theme'] = theme
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
      this.toast(problemOf(e).status === 401 ? this.t('linkUsed') : problemOf(e).title, 'warn')
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
      this.toast(problemOf(e).title, 'warn')
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
