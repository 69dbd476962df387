import { cisAccess } from './catalogue-cis-access.ts'
import { cisSystem } from './catalogue-cis-system.ts'

/** A control of CIS Distribution Independent Linux 2.0.0; the words are our own. */
export interface CisCheck {
  readonly number: string
  readonly group: string
  readonly title: string
  /** Whether the benchmark counts it. */
  readonly isScored: boolean
  /** 2: for environments where security comes before use. */
  readonly level: 1 | 2
}

/** `number|n = not scored, 2 = level 2|what is checked`, by group. */
export type CisTable = { readonly [group: string]: readonly string[] }

/** The group of the vendor's own test check, and its number. */
const TEST_GROUP = 'DEFENDER_FOR_IOT_TEST_CHECKS'
const TEST_NUMBER = '0.0'

const TEST_CHECK: CisCheck = {
  number: TEST_NUMBER,
  group: TEST_GROUP,
  title: 'The trigger file of the test check is not there',
  isScored: false,
  level: 1,
}

export const CIS_CHECKS: readonly CisCheck[] = [cisSystem, cisAccess].flatMap((table) =>
  Object.entries(table).flatMap(([group, lines]) =>
    lines.map((line): CisCheck => {
      const [number = '', flags = '', title = ''] = line.split('|')
      const level = flags.includes('2') ? 2 : 1
      return { number, group, title, isScored: !flags.includes('n'), level }
    }),
  ),
)

const BY_NUMBER = new Map([...CIS_CHECKS, TEST_CHECK].map((check) => [check.number, check]))

/** A number that is not known may be valid all the same. */
export function cisCheck(number: string): CisCheck | undefined {
  return BY_NUMBER.get(number)
}
