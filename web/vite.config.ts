/// <reference types="vitest/config" />
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'

// `PROCYON_URL` points the development server at a running procyon or at the mock server.
const server = process.env['PROCYON_URL'] ?? 'http://127.0.0.1:9300'

// The server checks Host and Origin: both are those of the server itself.
const proxy = { '/api': { target: server, ws: true, changeOrigin: true, headers: { origin: server } } }

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2023',
    // The page is served under `default-src 'self'`: nothing may be inlined as a data URL.
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy },
  preview: { proxy },
  test: { include: ['src/**/*.test.ts'] },
})
