import { cisCheck } from './catalogue-cis.ts'
import { legacyCheck } from './catalogue-legacy.ts'

/** `CIS-debian-9-Filesystem-1.1.2`: benchmark, distribution, its version, group, number. */
const WIRE_ID = /^CIS-[^-]{1,64}-[^-]{1,64}-([^-]{1,128})-(\d{1,3}(?:\.\d{1,3}){1,7})$/
const NUMBER = /^\d{1,3}(?:\.\d{1,3}){1,7}$/

/** What tells one check from the others of its benchmark, and which group it is in. */
export interface CheckName {
  /** The CIS number where there is one, else what the agent sent. */
  readonly id: string
  readonly group: string
}

/**
 * The name of a check as agents of every era spell it. The agent's own group counts where it sends
 * one; else the catalogue's; else what the id says; else `Other`. Pure.
 *
 *     CIS-debian-9-Filesystem-1.1.2  →  {id: '1.1.2', group: 'Filesystem'}
 *     CCE-14027-7                    →  {id: 'CCE-14027-7', group: 'Network Protocols'}
 */
export function nameCheck({ id, group }: CheckName): CheckName {
  const wire = WIRE_ID.exec(id)
  const number = wire?.[2] ?? (NUMBER.test(id) ? id : undefined)
  const known = number === undefined ? legacyCheck(id) : cisCheck(number)
  const said = group.trim() || (known === undefined ? (wire?.[1] ?? '').replaceAll('_', ' ') : '')
  return { id: number ?? id, group: said || known?.group || 'Other' }
}
