import { baseName } from './base-name.ts'

/** Programs that mine crypto coins, and malware that is known for nothing else. */
const MINERS = [
  'xmrig',
  'xmr-stak',
  'minerd',
  'cpuminer',
  'cgminer',
  'bfgminer',
  'ethminer',
  'ccminer',
  'claymore',
  'nbminer',
  'lolminer',
  'phoenixminer',
  't-rex',
  'minergate',
  'nheqminer',
  'kdevtmpfsi',
  'kinsing',
  'watchbog',
] as const

/** Most tokens begin with another letter; every token of every command line comes by here. */
const FIRST_LETTERS: ReadonlySet<string> = new Set(MINERS.map((miner) => miner.slice(0, 1)))

/** What follows a miner's name in the names of its files: variant, platform, packing. */
const SUFFIXES: ReadonlySet<string> = new Set([
  ...['multi', 'opt', 'rx', 'cpu', 'gpu', 'cuda', 'opencl', 'nvidia', 'amd', 'notls', 'mo', 'cli'],
  ...['linux', 'windows', 'win', 'win32', 'win64', 'macos', 'msvc', 'gcc', 'musl', 'static', 'bin'],
  ...['x86', 'x64', 'i386', 'i586', 'i686', 'amd64', 'arm', 'armhf', 'armv6', 'armv6l', 'armv7'],
  ...[
    'armv7l',
    'arm64',
    'armv8',
    'aarch64',
    'mips',
    'mipsel',
    'mips64',
    'ppc',
    'ppc64le',
    'riscv64',
  ],
  ...['32', '64', 'elf', 'focal', 'jammy', 'bionic', 'tar', 'gz', 'tgz', 'xz', 'bz2', 'zip', 'git'],
])

/**
 * The miner that a path or name names, or `undefined`: `/tmp/xmrig-6.21.0-linux-x64` and
 * `--name=xmrig` → `xmrig`; not `mineral`, not `claymore.pdf`.
 */
export function minerIn(token: string): string | undefined {
  const slash = Math.max(token.lastIndexOf('/'), token.lastIndexOf('\\'))
  const start = Math.max(token.lastIndexOf('='), slash) + 1
  if (!FIRST_LETTERS.has(token[start]?.toLowerCase() ?? '')) return undefined
  const name = baseName(token.slice(start))
  return MINERS.find((miner) => name.startsWith(miner) && isSuffix(name.slice(miner.length)))
}

function isSuffix(text: string): boolean {
  if (text === '') return true
  const parts = text.split(/[-_.+]/)
  return parts.every((part) => part === '' || SUFFIXES.has(part) || isVersion(part))
}

/** `6`, `v21`, `64` */
function isVersion(part: string): boolean {
  return /^v?[0-9]{1,8}$/.test(part)
}
