// `npm run bench -- patches|desired|gets|connects|query|memory|startup|reconcile|all`: see bench/README.md.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { ensureBuilt, ensureInstalled, root } from './setup.js'

ensureInstalled('all')
// What is measured is the compiled program, as a user runs it.
ensureBuilt()

// Memory is looked at after garbage was collected.
const flags = ['--conditions=source', '--expose-gc', '--import', 'tsx']
const main = join(root, 'bench', 'main.ts')
const child = spawn(process.execPath, [...flags, main, ...process.argv.slice(2)], {
  stdio: 'inherit',
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
child.once('exit', (code) => {
  process.exitCode = code ?? 1
})
