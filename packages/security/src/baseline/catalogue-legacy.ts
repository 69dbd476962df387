import type { CheckSeverity } from './baseline.ts'

/** A check that legacy scanners are known to carry out; texts are our own. */
export interface LegacyCheck {
  readonly msid: string
  /** Empty for newer checks, which have none. Two checks may share one. */
  readonly cce: string
  readonly severity: CheckSeverity
  readonly group: string
  readonly title: string
  /** Skipped on other distributions. */
  readonly isUbuntuOnly: boolean
}

const SEVERITIES: { readonly [letter: string]: CheckSeverity } = {
  C: 'critical',
  I: 'important',
  W: 'warning',
  N: 'informational',
}

/** `msid|CCE without its prefix|severity, U = Ubuntu only|what is checked`, by group. */
const TABLE: { readonly [group: string]: readonly string[] } = {
  Filesystem: [
    '2.1|3522-0|I|Removable media in fstab are mounted nodev',
    '2.2|4275-4|I|Removable media in fstab are mounted noexec',
    '2.3|4042-8|I|Removable media in fstab are mounted nosuid',
    '5|4368-7|I|NFS mounts are nodev and nosuid',
  ],
  'Process Hardening': [
    '10|4209-3|CU|The kernel was built by the distribution',
    '25|4146-7|C|Address space layout randomisation is on',
    '26|4172-3|C|The processor has the no-execute flag',
  ],
  'System File Permissions': [
    '12.1|3566-7|C|/etc/passwd belongs to root and has mode 644',
    '12.2|3967-7|C|/etc/group belongs to root and has mode 644',
  ],
  'User Accounts': [
    '22|14088-9|C|The group root exists and has gid 0',
    '23.2|4238-2|C|No account has an empty password',
    '24|4009-7|C|No account but root has uid 0',
    '157.11||C|Passwords are hashed with SHA-512',
    '157.12||C|Passwords are kept at least seven days',
    '157.14||C|Every last password change lies in the past',
    '157.15||C|System accounts have no login shell',
    "157.16||C|Root's group is gid 0",
    '157.18||C|Only root has uid 0',
    '159|XXXXX-7|NU|There is no account named games',
  ],
  'Network Parameters': [
    '37|3561-8|I|IPv4 packets are not forwarded',
    '40.1|4236-6|C|Source-routed IPv4 packets are refused',
    '40.2|4236-6|C|Source-routed IPv6 packets are refused',
    '43|4133-5|C|Bogus ICMP error answers are ignored',
    '44|3644-2|C|ICMP echo requests to broadcast addresses are ignored',
    '46.1|4080-8|C|Reverse path filtering is on for all interfaces',
    '46.2|3840-6|C|Reverse path filtering is on by default',
    '47|4265-5|C|TCP SYN cookies are on',
    '48|15013-6|W|No interface is promiscuous',
    '49|4276-2|W|There is no wireless interface',
    '50|18455-6|NU|IPv6 is available',
    '89|14054-1|C|Zero-configuration addresses are off',
  ],
  'Network Protocols': ['56|14027-7|W|The RDS module cannot be loaded'],
  Logging: [
    '61|17742-8|I|A syslog daemon is installed',
    '62|17698-2|I|A syslog daemon runs',
    '63|18095-0|I|rsyslog creates files with mode 640 or 600',
    '64|18240-2|I|Files of rsyslog belong to group adm',
    '65|17857-4|IU|Files of rsyslog belong to user syslog',
    '67|17639-6|I|rsyslog takes no messages from the network',
    '68|4182-2|C|The daily job of logrotate belongs to root and others cannot write it',
  ],
  'Inetd Services': [
    '69|3537-8|C|inetd offers no login',
    '72|3390-2|C|inetd offers no telnet',
    '74|4141-8|C|inetd offers no shell',
    '70.1|4234-1|IU|inetd is disabled',
    '70.2|4252-3|IU|xinetd is disabled',
    '71.1|4023-8|IU|inetd is not installed',
    '71.2|4164-0|IU|xinetd is not installed',
    '80|4273-9|IU|inetd offers no tftp',
  ],
  Services: [
    '73|4330-7|C|No telnet server is installed',
    '77|4308-3|C|rsh-server is not installed',
    '78|3705-1|IU|The NIS client is disabled',
    '79|4348-9|IU|The NIS client is not installed',
    '81|3916-4|IU|No tftp server is installed',
    '82|4421-4|N|readahead-fedora is not installed',
    '84|4355-4|W|bluetooth is disabled',
    '86|4286-1|W|isdn is disabled',
    '87|14825-4|W|isdnutils-base is not installed',
    '88|3425-6|I|kdump is disabled',
    '114|4365-3|W|avahi-daemon is disabled',
    '115|4425-5|W|cups is disabled',
    '116|4336-4|I|The DHCP server is disabled',
    '117|4464-4|I|No DHCP server is installed',
    '120|14495-6|IU|sendmail is not installed',
    '121|14068-1|IU|postfix is not installed',
    '122|15018-5|IU|postfix listens locally only',
    '124|3501-4|IU|slapd is not installed',
    '126|3535-2|I|rpcgssd is disabled',
    '127|3568-3|I|rpcidmapd is disabled',
    '129|4550-0|I|rpcbind is disabled',
    '130|4491-7|I|rpcsvcgssd is disabled',
    '131|3578-2|WU|bind is disabled',
    '132|4219-2|WU|bind is not installed',
    '137|3847-1|WU|dovecot is disabled',
    '138|4239-0|WU|dovecot is not installed',
    '158|XXXXX-6|NU|landscape-common is not installed',
    '179||W|snmpd is disabled',
    '181||C|rsync is disabled',
    '182||W|ypserv is disabled',
    '183||C|rsh is not installed',
    '185||C|Samba speaks SMB 2 at least',
  ],
  Cron: [
    '90|4324-0|C|cron is enabled',
    '91|4304-2|C|/etc/anacrontab, if there, belongs to root and has mode 600',
  ],
  'SSH Server': [
    '106.1|4325-7|C|sshd speaks protocol 2 only',
    '106.3|4030-3|C|sshd ignores rhosts files',
    '106.4|4030-3|C|sshd does not take rhosts authentication',
    '106.5||W|The log level of sshd is neither too quiet nor too verbose',
    '106.7||C|sshd allows six attempts to log in at most',
    '106.11||C|sshd limits who may log in',
    '107|4475-0|C|sshd does not take RSA authentication by rhosts',
    '108|4370-3|C|sshd does not take authentication by host',
    '110|3660-8|C|sshd refuses empty passwords',
    '112|14716-5|W|sshd does not let users set the environment',
  ],
  Auditing: [
    '161|4240-1|C|auditd is installed',
    '162|4240-2|C|auditd is enabled',
    '163|4240-3|C|auditd runs',
  ],
}

export const LEGACY_CHECKS: readonly LegacyCheck[] = Object.entries(TABLE).flatMap(
  ([group, lines]) =>
    lines.map((line) => {
      const [msid = '', cce = '', flags = '', title = ''] = line.split('|')
      return {
        ...{ msid, group, title },
        cce: cce === '' ? '' : `CCE-${cce}`,
        severity: SEVERITIES[flags.charAt(0)] ?? 'informational',
        isUbuntuOnly: flags.endsWith('U'),
      }
    }),
)

const BY_CCE = new Map(
  LEGACY_CHECKS.filter(({ cce }) => cce !== '').map((check) => [check.cce, check]),
)

/** The check with this CCE; of those that share one, any: they are of one group. */
export function legacyCheck(cce: string): LegacyCheck | undefined {
  return BY_CCE.get(cce)
}
