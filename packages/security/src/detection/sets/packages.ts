import type { Segment } from '../command/command.ts'

const REMOVING: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ...['apt', 'apt-get', 'aptitude'].map(
    (tool) => [tool, words('remove purge autoremove')] as const,
  ),
  ['dpkg', words('-r -P --remove --purge')],
  ...['yum', 'dnf', 'zypper', 'microdnf'].map((tool) => [tool, words('remove erase rm')] as const),
  ['rpm', words('-e --erase')],
  ['apk', words('del')],
  ['opkg', words('remove')],
  ['pacman', words('-R -Rs -Rns -Rn -Rsn')],
  ['snap', words('remove')],
])

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(' '))
}

/** Whether a package manager takes one of these packages away: `apt-get -y purge auditd`. */
export function removesPackage({ program, args }: Segment, packages: ReadonlySet<string>): boolean {
  const verbs = REMOVING.get(program)
  return (
    verbs !== undefined &&
    args.some((arg) => verbs.has(arg)) &&
    args.some((arg) => packages.has(arg))
  )
}
