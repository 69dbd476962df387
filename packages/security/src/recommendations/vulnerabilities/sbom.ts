import { isJsonObject, type JsonObject, type JsonValue } from '@twinward/protocol'
import type { InstalledPackage } from './vulnerability.ts'

/** Packages of one device that are kept; the others are counted. */
export const MAX_PACKAGES = 5_000
/** A package whose name or version is longer is left out. */
const MAX_TEXT_CHARACTERS = 256

/** Ecosystems of OSV by the type of a package URL. */
const ECOSYSTEMS: Readonly<Record<string, string>> = {
  npm: 'npm',
  pypi: 'PyPI',
  cargo: 'crates.io',
  golang: 'Go',
  nuget: 'NuGet',
  maven: 'Maven',
  gem: 'RubyGems',
  composer: 'Packagist',
  hex: 'Hex',
  pub: 'Pub',
}
const DISTRIBUTIONS = ['Debian', 'Ubuntu', 'Alpine']

/** What a device runs, as its agent told last: what packages without a package URL belong to. */
export interface OperatingSystem {
  readonly name: string
  readonly version: string
}

/** The packages of an SBoM snapshot, each once. Pure. */
export function packagesIn(payload: readonly JsonObject[]): readonly JsonObject[] {
  const found = new Map<string, JsonObject>()
  for (const element of payload) {
    for (const one of Array.isArray(element.packages) ? element.packages : []) {
      if (found.size >= MAX_PACKAGES) return [...found.values()]
      const kept = readPackage(one)
      if (kept) found.set(JSON.stringify(kept), kept)
    }
  }
  return [...found.values()]
}

function readPackage(one: JsonValue): JsonObject | undefined {
  if (!isJsonObject(one)) return undefined
  const [name, version, purl] = [one.name, one.version, one.purl].map((text) =>
    typeof text === 'string' && text.length <= MAX_TEXT_CHARACTERS ? text : '',
  )
  if (!name || !version) return undefined
  return { name, version, ...(purl && { purl }) }
}

/** What each package is called in feeds. Pure. */
export function installedPackage(
  { name, version, purl }: JsonObject,
  system: OperatingSystem | undefined,
): InstalledPackage {
  const own = { names: [String(name)], version: String(version) }
  if (typeof purl !== 'string') return { ...own, ecosystem: systemEcosystem(system) }
  const [, type = '', path = '', query = ''] =
    /^pkg:([^/]+)\/([^@?#]+)[^?#]*(?:\?([^#]*))?/.exec(purl) ?? []
  const qualifiers = new URLSearchParams(query)
  const parts = path.split('/').map(decode)
  if (type === 'deb' || type === 'apk') {
    const release = (qualifiers.get('distro') ?? '').replace(/^[a-z]+-/i, '')
    const distribution = DISTRIBUTIONS.find((one) => one.toLowerCase() === parts[0]?.toLowerCase())
    const upstream = qualifiers.get('upstream')?.replace(/@.*$/, '')
    return {
      ...own,
      names: [...own.names, ...(upstream ? [upstream] : [])],
      ecosystem: distribution
        ? releaseOf(distribution, release || system?.version || '')
        : systemEcosystem(system),
    }
  }
  const separator = type === 'maven' ? ':' : '/'
  const names = [...new Set([...own.names, parts.join(separator)])]
  return { ...own, names, ecosystem: ECOSYSTEMS[type] ?? '' }
}

function systemEcosystem(system: OperatingSystem | undefined): string {
  const name = DISTRIBUTIONS.find((one) => system?.name.toLowerCase().includes(one.toLowerCase()))
  return name ? releaseOf(name, system?.version ?? '') : ''
}

/** `Debian:12`, `Ubuntu:22.04`, `Alpine:3.18`; without a release just the name. */
function releaseOf(name: string, version: string): string {
  const [, major = '', minor = ''] = /(\d+)(?:\.(\d+))?/.exec(version) ?? []
  if (major === '') return name
  return name === 'Debian' || minor === '' ? `${name}:${major}` : `${name}:${major}.${minor}`
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
