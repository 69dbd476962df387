// `npm test`: the fast tests. `npm run test:slow`: crash, soak and load tests (folders below).
// `npm test -- FILE…` runs those files only.

import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ensureBuilt, ensureInstalled, root, run } from './setup.js'

/** Folders below a `test/` whose tests take long; everything else runs by default. */
const SLOW = ['crash', 'soak', 'load']
/** Tests that share a process; more of them would keep the other core waiting at the end. */
const MAX_FILES_PER_PROCESS = 12

const args = process.argv.slice(2)
const isSlow = args.includes('--slow')
const chosen = args.filter((arg) => !arg.startsWith('--'))

ensureInstalled('all')
// The command-line tests run the compiled program, as a user does.
ensureBuilt()

const wanted = testFiles().filter((file) => isSlowFile(file) === isSlow)
const files = chosen.length > 0 ? chosen : isSlow ? wanted : shareProcesses(wanted)
run(
  process.execPath,
  [
    '--conditions=source',
    '--import',
    'tsx',
    '--test',
    `--test-concurrency=${availableParallelism()}`,
    '--test-reporter=spec',
    ...files,
  ],
  { env: { ...process.env, NODE_OPTIONS: '--no-warnings', TWINWARD_BUILT_WORKERS: '1' } },
)

/**
 * Starting a process per file costs more than most tests take, so those beside a package's sources
 * share one process, and wire tests, fuzz tests and those of commands share a few. Others keep a
 * process of their own.
 */
function shareProcesses(testFiles) {
  const groups = new Map()
  const others = []
  for (const file of testFiles) {
    const group = groupOf(file)
    if (group === undefined) others.push(file)
    else groups.set(group, [...(groups.get(group) ?? []), file])
  }
  const folder = join(root, 'node_modules', '.twinward-tests')
  mkdirSync(folder, { recursive: true })
  const entries = [...groups].flatMap(([group, members]) =>
    inShares(members).map((share, index) => {
      const entry = join(folder, `${group}-${index}.test.mjs`)
      const imports = share.map((file) => `import '${pathToFileURL(join(root, file)).href}'\n`)
      writeFileSync(entry, imports.join(''))
      return entry
    }),
  )
  return [...entries, ...others]
}

function groupOf(file) {
  const [top, name, room, kind] = file.split(sep)
  if (top !== 'packages') return top
  if (room === 'src') return name
  if (kind === 'wire' || kind === 'fuzz') return `${name}-${kind}`
  return name === 'cli' ? 'cli-commands' : undefined
}

/** Deals the files out like cards, so that neighbours, which are alike, go to different processes. */
function inShares(files) {
  const count = Math.ceil(files.length / MAX_FILES_PER_PROCESS)
  return Array.from({ length: count }, (_, share) =>
    files.filter((_, index) => index % count === share),
  )
}

function testFiles() {
  const found = []
  for (const top of ['packages', 'bench', 'tools']) {
    for (const file of readdirSync(join(root, top), { recursive: true })) {
      const isTest = file.endsWith('.test.ts')
      if (isTest && !file.includes('node_modules') && !file.split(sep).includes('dist')) {
        found.push(join(top, file))
      }
    }
  }
  return found.sort()
}

function isSlowFile(file) {
  const folders = file.split(sep)
  return SLOW.includes(folders[folders.indexOf('test') + 1])
}
