// `npm run check`: types, lint, format and boundaries, side by side.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { ensureInstalled, root, say } from './setup.js'

ensureInstalled('all')

const CHECKS = [
  ['types', join('node_modules', 'typescript', 'bin', 'tsc'), ['-p', 'tsconfig.check.json']],
  ['build', join('node_modules', 'typescript', 'bin', 'tsc'), ['-b']],
  ['lint', join('node_modules', '@biomejs', 'biome', 'bin', 'biome'), ['check', '.']],
]

const results = await Promise.all(
  CHECKS.map(
    ([name, program, args]) =>
      new Promise((resolve) => {
        const child = spawn(process.execPath, [program, ...args], { cwd: root })
        const output = []
        child.stdout.on('data', (chunk) => output.push(chunk))
        child.stderr.on('data', (chunk) => output.push(chunk))
        child.on('close', (code) => resolve({ name, code, output: Buffer.concat(output) }))
      }),
  ),
)

for (const { name, code, output } of results) {
  if (code !== 0) process.stdout.write(output)
  say(`${name}: ${code === 0 ? 'ok' : 'failed'}`)
}
process.exit(results.every(({ code }) => code === 0) ? 0 : 1)
