import type { Segment } from '../command/command.ts'

/** Units and init scripts that hold a host's firewall. */
export const FIREWALL_UNITS: ReadonlySet<string> = new Set([
  'firewalld',
  'ufw',
  'nftables',
  'iptables',
  'ip6tables',
  'netfilter-persistent',
  // The firewall of OpenWrt, and a front end that Debian ships.
  'firewall',
  'shorewall',
])

/** The service that keeps the audit log of the kernel. */
export const AUDIT_UNITS: ReadonlySet<string> = new Set(['auditd'])

const SYSTEMCTL_VERBS: ReadonlySet<string> = new Set(['stop', 'disable', 'mask', 'kill'])
const INIT_VERBS: ReadonlySet<string> = new Set(['stop', 'disable'])
const BOOT_VERBS: ReadonlySet<string> = new Set(['disable', 'remove', 'del', 'delete', 'off'])
const INIT_DIRECTORIES = ['/etc/init.d/', '/etc/rc.d/init.d/', '/etc/rc.d/'] as const

/** Whether a segment stops one of these services, or keeps it from starting at boot. */
export function stopsService(segment: Segment, units: ReadonlySet<string>): boolean {
  const { program, path, args } = segment
  if (program === 'systemctl') {
    const verb = args.findIndex((arg) => SYSTEMCTL_VERBS.has(arg))
    return verb >= 0 && args.slice(verb + 1).some((arg) => units.has(unitName(arg)))
  }
  if (program === 'service' || program === 'rc-service' || program === 'invoke-rc.d') {
    const [unit = '', verb = ''] = args.filter((arg) => arg[0] !== '-')
    return units.has(unit) && INIT_VERBS.has(verb)
  }
  if (program === 'update-rc.d' || program === 'chkconfig' || program === 'rc-update') {
    const words = args.filter((arg) => arg[0] !== '-')
    return words.some((arg) => units.has(arg)) && words.some((arg) => BOOT_VERBS.has(arg))
  }
  const isInitScript = INIT_DIRECTORIES.some((directory) => path === `${directory}${program}`)
  return isInitScript && units.has(program) && INIT_VERBS.has(args[0] ?? '')
}

function unitName(unit: string): string {
  return unit.endsWith('.service') ? unit.slice(0, -'.service'.length) : unit
}
