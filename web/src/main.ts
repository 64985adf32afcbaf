import { mount } from 'svelte'
import App from './App.svelte'
import { app } from './lib/app.svelte'
import { loadLanguage } from './lib/i18n'
import './styles/tokens.css'
import './styles/ui.css'
import './styles/app.css'

const target = document.getElementById('app')
// A language that cannot be fetched leaves the page in English.
if (target !== null) void loadLanguage(app.lang).catch(() => undefined).then(() => mount(App, { target }))
