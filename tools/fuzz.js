// `npm run fuzz -- [--minutes N] [--only TEXT]`: runs the fuzz tests again and again, each time from
// another seed, until the time is up or one fails. Default: ten minutes, all of them.

import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join, sep } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureInstalled, root, say } from './setup.js'

/** Tries per start of a process, which costs seconds: so many times those of `npm test`. */
const FACTOR = 10
const MAX_SEED = 2 ** 31 - 1

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, only: { type: 'string', default: '' } },
})
const minutes = Number(values.minutes)
if (!(minutes > 0)) {
  say('--minutes needs a number above 0.')
  process.exit(2)
}

ensureInstalled('all')
const files = fuzzTests().filter((file) => file.includes(values.only))
if (files.length === 0) {
  say(`No fuzz test has '${values.only}' in its path.`)
  process.exit(2)
}

const startMs = Date.now()
const endMs = startMs + minutes * 60_000
let runs = 0
while (Date.now() < endMs) {
  for (const file of files) {
    if (Date.now() >= endMs) break
    fuzz(file, randomInt(1, MAX_SEED))
    runs++
  }
}
const tookMinutes = ((Date.now() - startMs) / 60_000).toFixed(1)
say(`${runs} runs of ${files.length} fuzz tests in ${tookMinutes} minutes: no finding.`)

function fuzz(file, seed) {
  const args = ['--conditions=source', '--import', 'tsx', '--test', file]
  const { status, stdout } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: {
      ...process.env,
      NODE_OPTIONS: '--no-warnings',
      TWINWARD_FUZZ_FACTOR: String(FACTOR),
      TWINWARD_FUZZ_SEED: String(seed),
    },
  })
  if (status === 0) {
    say(`${file}, seed ${seed}: ok`)
    return
  }
  process.stdout.write(stdout)
  say(
    `${file} fails. Again: TWINWARD_FUZZ_FACTOR=${FACTOR} TWINWARD_FUZZ_SEED=${seed} npm test -- ${file}`,
  )
  process.exit(1)
}

function fuzzTests() {
  return readdirSync(join(root, 'packages'), { recursive: true })
    .filter((file) => file.endsWith('.test.ts') && !file.includes('node_modules'))
    .filter((file) => file.includes(`${sep}test${sep}fuzz${sep}`))
    .map((file) => join('packages', file))
    .sort()
}
