/** Which of two versions is the later one, as each ecosystem counts. Texts of any length and content. */

export type Compare = (a: string, b: string) => number

/** Characters of a version that are looked at. */
const MAX_VERSION_CHARACTERS = 128

/** @param ecosystem  as OSV spells it, with or without a release: `Debian:12`, `npm`, `PyPI` */
export function compareIn(ecosystem: string): Compare {
  const [base = ''] = ecosystem.split(':')
  const compare = COMPARES[base.toLowerCase()] ?? compareRuns
  return (a, b) => compare(a.slice(0, MAX_VERSION_CHARACTERS), b.slice(0, MAX_VERSION_CHARACTERS))
}

const COMPARES: Readonly<Record<string, Compare>> = {
  debian: compareDebian,
  ubuntu: compareDebian,
  alpine: compareAlpine,
  wolfi: compareAlpine,
  chainguard: compareAlpine,
  npm: compareSemver,
  'crates.io': compareSemver,
  go: compareSemver,
  nuget: compareSemver,
  pub: compareSemver,
  hex: compareSemver,
  pypi: comparePython,
}

/** `[epoch:]upstream[-revision]`, as dpkg does it. */
export function compareDebian(a: string, b: string): number {
  const [one, other] = [debianParts(a), debianParts(b)]
  return (
    compareNumbers(one.epoch, other.epoch) ||
    compareDebianPart(one.upstream, other.upstream) ||
    compareDebianPart(one.revision, other.revision)
  )
}

function debianParts(version: string) {
  const [, epoch = '0', rest = ''] = /^(?:(\d+):)?(.*)$/s.exec(version.trim()) ?? []
  const dash = rest.lastIndexOf('-')
  if (dash < 0) return { epoch, upstream: rest, revision: '' }
  return { epoch, upstream: rest.slice(0, dash), revision: rest.slice(dash + 1) }
}

/** Runs of other characters and of digits by turns; letters sort before the rest, `~` before the end. */
function compareDebianPart(a: string, b: string): number {
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    while ((i < a.length && !isDigit(a[i])) || (j < b.length && !isDigit(b[j]))) {
      const order = debianOrder(a[i]) - debianOrder(b[j])
      if (order !== 0) return Math.sign(order)
      i++
      j++
    }
    const one = /^\d*/.exec(a.slice(i))?.[0] ?? ''
    const other = /^\d*/.exec(b.slice(j))?.[0] ?? ''
    const order = compareNumbers(one, other)
    if (order !== 0) return order
    i += one.length
    j += other.length
  }
  return 0
}

function debianOrder(character: string | undefined): number {
  if (character === undefined || isDigit(character)) return 0
  if (character === '~') return -1
  return /[A-Za-z]/.test(character) ? character.charCodeAt(0) : character.charCodeAt(0) + 256
}

const APK_SUFFIXES = ['alpha', 'beta', 'pre', 'rc', '', 'cvs', 'svn', 'git', 'hg', 'p']

/** `1.2.3b_rc1-r4`: numbers, a letter, suffixes, the build. */
export function compareAlpine(a: string, b: string): number {
  const [one, other] = [alpineParts(a), alpineParts(b)]
  return (
    compareLists(one.numbers, other.numbers) ||
    compareTexts(one.letter, other.letter) ||
    compareSuffixes(one.suffixes, other.suffixes) ||
    compareNumbers(one.build, other.build)
  )
}

function alpineParts(version: string) {
  const match = /^(\d+(?:\.\d+)*)([a-z]?)((?:_[a-z]+\d*)*)(?:~[0-9a-f]+)?(?:-r(\d+))?/.exec(version)
  const [, numbers = '', letter = '', suffixes = '', build = '0'] = match ?? []
  return {
    ...{ letter, build, numbers: numbers.split('.') },
    suffixes: suffixes.split('_').filter((suffix) => suffix !== ''),
  }
}

function compareSuffixes(a: readonly string[], b: readonly string[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const [one, other] = [suffixOf(a[at]), suffixOf(b[at])]
    const order = one.rank - other.rank || compareNumbers(one.number, other.number)
    if (order !== 0) return Math.sign(order)
  }
  return 0
}

function suffixOf(suffix = '') {
  const [, name = '', number = '0'] = /^([a-z]*)(\d*)$/.exec(suffix) ?? []
  return { rank: APK_SUFFIXES.indexOf(name), number: number || '0' }
}

/** Semantic Versioning 2.0; a leading `v` and missing parts are let pass. */
export function compareSemver(a: string, b: string): number {
  const [one, other] = [semverParts(a), semverParts(b)]
  const order = compareLists(one.numbers, other.numbers)
  if (order !== 0) return order
  if (one.pre === other.pre) return 0
  if (one.pre === '') return 1
  if (other.pre === '') return -1
  return comparePrerelease(one.pre.split('.'), other.pre.split('.'))
}

function semverParts(version: string) {
  const [core = ''] = version.trim().replace(/^v/i, '').split('+')
  const dash = core.indexOf('-')
  const numbers = (dash < 0 ? core : core.slice(0, dash)).split('.')
  return { numbers, pre: dash < 0 ? '' : core.slice(dash + 1) }
}

function comparePrerelease(a: readonly string[], b: readonly string[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const [one, other] = [a[at], b[at]]
    if (one === undefined || other === undefined) return one === undefined ? -1 : 1
    const [isNumber, isOtherNumber] = [/^\d+$/.test(one), /^\d+$/.test(other)]
    if (isNumber !== isOtherNumber) return isNumber ? -1 : 1
    const order = isNumber ? compareNumbers(one, other) : compareTexts(one, other)
    if (order !== 0) return order
  }
  return 0
}

/** PEP 440 without local versions: `[N!]N(.N)*[{a|b|rc}N][.postN][.devN]`. */
export function comparePython(a: string, b: string): number {
  const [one, other] = [pythonParts(a), pythonParts(b)]
  return (
    compareNumbers(one.epoch, other.epoch) ||
    compareLists(one.release, other.release) ||
    compareNumberLists(one.order, other.order)
  )
}

const PYTHON =
  /^v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(alpha|a|beta|b|rc|c|preview|pre)[-_.]?(\d*))?(?:(?:[-_.]?(?:post|rev|r)[-_.]?(\d*))|-(\d+))?(?:[-_.]?(dev)[-_.]?(\d*))?/i

function pythonParts(version: string) {
  const match = PYTHON.exec(version.trim()) ?? []
  const [, epoch = '0', release = '0', word = '', preNumber, postNumber, dash, dev, devNumber] =
    match
  const stage = { a: 0, b: 1, r: 2, c: 2, p: 2 }[word.charAt(0).toLowerCase()]
  const post = postNumber ?? dash
  const isPost = post !== undefined
  const isDev = dev !== undefined
  // A development version of no stage comes before every stage of its release.
  const pre = stage ?? (isDev && !isPost ? -1 : 3)
  const order = [pre, Number(preNumber || 0), isPost ? Number(post || 0) : -1]
  return {
    epoch,
    release: release.split('.'),
    order: [...order, isDev ? Number(devNumber || 0) : Infinity],
  }
}

/** Words for "this is the release", as Maven has them. */
const RELEASE_WORDS: ReadonlySet<string> = new Set(['final', 'ga', 'release'])

function runsOf(text: string): readonly string[] {
  const runs = text.toLowerCase().match(/\d+|[a-z]+/g) ?? []
  return runs.filter((run) => !RELEASE_WORDS.has(run))
}

/**
 * Runs of digits as numbers and runs of letters as texts; whatever separates them says nothing. 1.0
 * is 1.0.0, and 1.0.Final is 1.0.
 */
export function compareRuns(a: string, b: string): number {
  const [one, other] = [runsOf(a), runsOf(b)]
  for (let at = 0; at < Math.max(one.length, other.length); at++) {
    const [left, right] = [one[at], other[at]]
    if (left === undefined || right === undefined) {
      if (/^0+$/.test(left ?? right ?? '')) continue
      // Letters after a version announce it (1.0rc1), further numbers follow it (1.0.1).
      const rest = left ?? right ?? ''
      const order = isDigit(rest[0]) ? 1 : -1
      return left === undefined ? -order : order
    }
    const [isNumber, isOtherNumber] = [isDigit(left[0]), isDigit(right[0])]
    if (isNumber !== isOtherNumber) return isNumber ? 1 : -1
    const order = isNumber ? compareNumbers(left, right) : compareTexts(left, right)
    if (order !== 0) return order
  }
  return 0
}

function isDigit(character: string | undefined): boolean {
  return character !== undefined && character >= '0' && character <= '9'
}

/** Decimal digits of any length; what is none counts as 0. */
function compareNumbers(a: string, b: string): number {
  const [one, other] = [a, b].map((text) => (/^\d+$/.test(text) ? text.replace(/^0+/, '') : ''))
  const [left = '', right = ''] = [one, other]
  return Math.sign(left.length - right.length) || compareTexts(left, right)
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

/** Missing parts count as 0. */
function compareLists(a: readonly string[], b: readonly string[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const order = compareNumbers(a[at] ?? '0', b[at] ?? '0')
    if (order !== 0) return order
  }
  return 0
}

function compareNumberLists(a: readonly number[], b: readonly number[]): number {
  for (let at = 0; at < a.length; at++) {
    const [one = 0, other = 0] = [a[at], b[at]]
    if (one !== other) return one < other ? -1 : 1
  }
  return 0
}
