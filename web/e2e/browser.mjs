// Starts Debian's chromium for the browser tests; no network of its own beside the page's.
import { chromium } from 'playwright-core'

export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'

const OPTIONS = {
  executablePath: CHROMIUM,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-default-apps', '--disable-domain-reliability',
    // Pages that a test puts in place of the program's own count as foreign to the loopback address.
    ...(process.env.PROCYON_PAGES === undefined ? [] : ['--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests']),
  ],
}

export function launch() {
  return chromium.launch(OPTIONS)
}

/** One whose process the test knows, and may kill. */
export async function launchMortal() {
  const server = await chromium.launchServer({ ...OPTIONS, handleSIGINT: false })
  return { browser: await chromium.connect(server.wsEndpoint()), process: server.process() }
}
