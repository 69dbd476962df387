// `npm test`: the fast tests. `npm run test:slow`: crash, soak and load tests (folders below).
// `npm test -- FILE…` runs those files only.

import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ensureBuilt, ensureInstalled, root, run } from './setup.js'

/** Folders below a `test/` whose tests take long; everything else runs by default. */
const SLOW = ['crash', 'soak', 'load']

const args = process.argv.slice(2)
const isSlow = args.includes('--slow')
const chosen = args.filter((arg) => !arg.startsWith('--'))

ensureInstalled('all')
// The command-line tests run the compiled program, as a user does.
ensureBuilt()

const wanted = testFiles().filter((file) => isSlowFile(file) === isSlow)
const files = chosen.length > 0 ? chosen : isSlow ? wanted : groupUnitTests(wanted)
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
  { env: { ...process.env, NODE_OPTIONS: '--no-warnings' } },
)

/**
 * Starting a process per file costs more than most unit tests take, so those beside a package's
 * sources share one process. What has a `test/` folder starts servers and keeps a process of its own.
 */
function groupUnitTests(testFiles) {
  const groups = new Map()
  const others = []
  for (const file of testFiles) {
    const [top, name, source] = file.split(sep)
    if (top !== 'packages' || source !== 'src') others.push(file)
    else groups.set(name, [...(groups.get(name) ?? []), file])
  }
  const folder = join(root, 'node_modules', '.twinward-tests')
  mkdirSync(folder, { recursive: true })
  const entries = [...groups].map(([name, members]) => {
    const entry = join(folder, `${name}.test.mjs`)
    const imports = members.map((file) => `import '${pathToFileURL(join(root, file)).href}'\n`)
    writeFileSync(entry, imports.join(''))
    return entry
  })
  return [...entries, ...others]
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
