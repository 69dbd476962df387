#!/usr/bin/env node
// Runs the compiled command; in a checkout that was never built, its sources through tsx.
import { existsSync } from 'node:fs'

const compiled = new URL('../dist/main.js', import.meta.url)

if (existsSync(compiled)) await import(compiled.href)
else await runSources()

async function runSources() {
  const { register: registerTsx } = await import('tsx/esm/api').catch(() => {
    process.stderr.write('Twinward is not built here. Build it: npm install && npm run build\n')
    process.exit(1)
  })
  const { register } = await import('node:module')
  // Resolves `@twinward/*` to their sources, as `node --conditions=source` does.
  register(new URL('./source-condition.js', import.meta.url))
  registerTsx()
  await import('../src/main.ts')
}
