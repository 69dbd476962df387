import type { JsonObject } from '@twinward/protocol'
import type { Severity } from '../../detection/alert.ts'
import { printable } from '../../detection/printable.ts'
import type { Assessment, RecommendationType } from '../recommendation.ts'
import { installedPackage, type OperatingSystem } from './sbom.ts'
import { matchPackage, type Vulnerability } from './vulnerability.ts'

/** Findings that `Packages` lists, the worst first; the totals count all. */
export const MAX_LISTED_FINDINGS = 50
const MAX_TEXT_CHARACTERS = 128
const HIGH_SCORE = 9
const MEDIUM_SCORE = 7

export const vulnerablePackageType: RecommendationType = {
  // The vendor published no type for this; the name is ours.
  recommendationType: 'IoT_VulnerablePackage',
  displayName: 'Packages with known vulnerabilities',
  severity: 'Medium',
  description:
    'Software packages on the device have weaknesses that are publicly known, by the feeds that ' +
    'were imported.',
  remediationSteps: [
    'Update the packages to the version that is named as fixed, the worst first.',
    'Remove what the device does not need.',
    'Where there is no fixed version, look in the entry for what to do until then.',
  ],
}

/** Names under which the packages of a device may stand in a feed. Pure. */
export function packageNames(
  packages: readonly JsonObject[],
  system: OperatingSystem | undefined,
): readonly string[] {
  return [...new Set(packages.flatMap((one) => installedPackage(one, system).names))]
}

/** A weakness of a package of a device. */
export interface FoundVulnerability {
  readonly id: string
  readonly score: number
  readonly name: string
  readonly version: string
  /** '' when none is known. */
  readonly fixed: string
}

/** Which of these vulnerabilities the packages of a device have. Pure. */
export function findVulnerabilities(
  packages: readonly JsonObject[],
  vulnerabilities: readonly Vulnerability[],
  system: OperatingSystem | undefined,
): readonly FoundVulnerability[] {
  const byName = groupByName(vulnerabilities)
  return packages.flatMap((one) => {
    const installed = installedPackage(one, system)
    const { names, version } = installed
    const asked = new Set(names.flatMap((name) => byName.get(name) ?? []))
    return [...asked].flatMap((vulnerability) => {
      const match = matchPackage(vulnerability, installed)
      const { id, score } = vulnerability
      return match ? [{ id, score, name: names[0] ?? '', version, fixed: match.fixed }] : []
    })
  })
}

/** What was found, as a verdict on the device. Pure. */
export function assessVulnerabilities(found: readonly FoundVulnerability[]): Assessment {
  if (found.length === 0) return { isGood: true }
  const worst = [...found].sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1))
  const listed = worst.slice(0, MAX_LISTED_FINDINGS).map((one) => ({
    Package: shown(one.name),
    Version: shown(one.version),
    Vulnerability: shown(one.id),
    Score: one.score,
    ...(one.fixed !== '' && { FixedVersion: shown(one.fixed) }),
  }))
  return {
    isGood: false,
    severity: severityOf(worst[0]?.score ?? 0),
    additionalData: {
      Packages: JSON.stringify(listed),
      TotalPackages: String(new Set(found.map(({ name }) => name)).size),
      TotalVulnerabilities: String(found.length),
    },
  }
}

function groupByName(all: readonly Vulnerability[]): ReadonlyMap<string, readonly Vulnerability[]> {
  const groups = new Map<string, Vulnerability[]>()
  for (const one of all) {
    for (const name of new Set(one.affected.map((each) => each.name))) {
      const group = groups.get(name)
      if (group) group.push(one)
      else groups.set(name, [one])
    }
  }
  return groups
}

function severityOf(score: number): Severity {
  return score >= HIGH_SCORE ? 'High' : score >= MEDIUM_SCORE ? 'Medium' : 'Low'
}

function shown(text: string): string {
  return printable(text, MAX_TEXT_CHARACTERS)
}
