// Installs and builds what is missing, so that no command needs another one before it.
// Plain JavaScript: it runs before anything is installed.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

const INSTALL_STAMP = join(root, 'node_modules', '.twinward-install.json')
const BUILD_STAMP = join(root, 'node_modules', '.twinward-build')
/** Is there when what tests need is installed. */
const DEV_PACKAGE = join(root, 'node_modules', 'tsx')
const MIN_NODE = [20, 19]

/**
 * Installs the dependencies when `package-lock.json` is another than at the last installation.
 *
 * @param {'run' | 'all'} level `run`: what the server needs; `all`: also what tests need
 */
export function ensureInstalled(level) {
  checkNode()
  const lock = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')))
  const wanted = { lock: lock.digest('hex'), level }
  const installed = readStamp()
  if (installed?.lock === wanted.lock && (installed.level === level || level === 'run')) return
  const isFirst = !existsSync(join(root, 'node_modules'))
  say(
    isFirst
      ? 'Installing what Twinward needs. This takes about a minute, once: SQLite is compiled.'
      : 'Bringing the installed packages up to date.',
  )
  // What a developer has installed stays; an `npm install` without dev would remove it.
  const omit = level === 'run' && !existsSync(DEV_PACKAGE) ? ['--omit=dev'] : []
  // Not `npm ci`: it would throw away a compiled SQLite that is still good, and it refuses where a
  // registry does not carry the optional binaries of other platforms. The lock file stays as it is.
  npm(['install', '--no-save', '--no-audit', '--no-fund', ...omit])
  writeFileSync(
    INSTALL_STAMP,
    JSON.stringify(omit.length > 0 ? wanted : { ...wanted, level: 'all' }),
  )
}

/** Compiles the packages when a source is newer than the last build. */
export function ensureBuilt() {
  const newest = Math.max(...sourceFiles().map((file) => statSync(file).mtimeMs))
  const isBuilt = existsSync(join(root, 'packages', 'cli', 'dist', 'main.js'))
  if (isBuilt && existsSync(BUILD_STAMP) && statSync(BUILD_STAMP).mtimeMs >= newest) return
  say('Building.')
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  // Forced, because what it remembers of a file does not notice that a dependency changed.
  run(process.execPath, [tsc, '-b', '--force', root])
  mkdirSync(join(root, 'node_modules'), { recursive: true })
  writeFileSync(BUILD_STAMP, '')
}

/** Runs a program to its end; its failure ends this one. */
export function run(program, args, options = {}) {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: 'inherit', ...options })
  if (error) fail(`${program} could not be started: ${error.message}`)
  if (status !== 0) process.exit(status ?? 1)
}

export function say(text) {
  process.stderr.write(`${text}\n`)
}

function fail(text) {
  say(text)
  process.exit(1)
}

function npm(args) {
  const env = { ...process.env, JOBS: process.env.JOBS ?? String(cpus().length) }
  // Standard output belongs to the command that asked for the installation.
  const { status, error } = spawnSync('npm', args, { cwd: root, env, stdio: ['ignore', 2, 2] })
  if (error) fail(`npm could not be started: ${error.message}`)
  if (status === 0) return
  fail(
    'The installation failed, see above. Twinward needs the npm registry and, where no compiled ' +
      'SQLite fits this machine, python3, make and a C++ compiler.',
  )
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const [wantedMajor, wantedMinor] = MIN_NODE
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return
  fail(`Twinward needs Node ${MIN_NODE.join('.')} or newer; this is ${process.versions.node}.`)
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(INSTALL_STAMP, 'utf8'))
  } catch {
    return undefined
  }
}

function sourceFiles() {
  const files = [join(root, 'tsconfig.base.json'), join(root, 'package-lock.json')]
  const packages = join(root, 'packages')
  for (const name of readdirSync(packages)) {
    const folder = join(packages, name, 'src')
    if (!existsSync(folder)) continue
    for (const file of readdirSync(folder, { recursive: true })) {
      if (file.endsWith('.ts') && !file.endsWith('.test.ts')) files.push(join(folder, file))
    }
  }
  return files
}
