import { ofRecord } from '../explain/conditions.ts'
import {
  addFailure,
  FAILURE_WINDOW_MS,
  type LoginSource,
  loginSources,
  sourceOf,
  storedSources,
  tellFailures,
} from '../login-source.ts'
import { matchRecord } from '../record-match.ts'
import type { AlertType, Rule, RuleMemory } from '../rule.ts'

const type: AlertType = {
  number: 44,
  alertType: 'IoT_Bruteforce_Fail',
  displayName: 'Failed brute force attempt',
  severity: 'Low',
  intent: 'CredentialAccess',
  description:
    'Many logins from one place failed within minutes, and none succeeded. On the internet this ' +
    'is daily noise; within a plant network somebody should know why.',
  remediationSteps: [
    'Check whether a program with an old password explains it.',
    'If the address is inside, find the machine behind it: it may be infected.',
    'If it is outside, close the port or allow only the addresses of your administrators.',
    'Nothing else is to be done for this attempt; see that passwords are strong, or allow only keys.',
  ],
  techniques: ['T1110'],
}

const MEMORY = 'IoT_Bruteforce_Fail'
const KINDS: Rule['kinds'] = [
  ...(['login', 'agent', 'proc', 'conn', 'dns', 'ports', 'users', 'fw', 'file'] as const),
  ...(['sysinfo', 'other'] as const),
]

/**
 * Ten failures from one place within ten minutes, told when no more came for ten minutes. It is
 * noticed with the next record of the device, whatever its kind, since only records tell its time.
 */
export const bruteforceFail: Rule = {
  type,
  kinds: KINDS,
  conditions: ofRecord(
    KINDS,
    [['failed logins are remembered', (_, memory) => sourcesIn(memory).length > 0]],
    'ten of one place failed within ten minutes, none since for ten minutes, and none succeeded',
    (_, memory) => sourcesIn(memory).map(tellFailures).join('; '),
  ),
  evaluate({ record }, memory) {
    const stored = memory.get(MEMORY)
    const before = loginSources(stored)
    if (record.kind !== 'login' && before.length === 0) return undefined
    const { timeMs } = record.header
    const over = before.find((each) => isOver(each, timeMs))
    const others = over ? before.filter((each) => each !== over) : before
    let after = others
    if (record.kind === 'login' && record.result === 'fail') after = addFailure(others, record)
    if (record.kind === 'login' && record.result === 'success') {
      // What got in is the business of the rule on successes.
      after = others.filter(({ source }) => source !== sourceOf(record))
    }
    // Failures that never became an attempt are forgotten with time.
    const kept = after.filter(
      ({ failuresMs, isGuessing }) =>
        isGuessing || timeMs - (failuresMs.at(-1) ?? 0) <= FAILURE_WINDOW_MS,
    )
    if (kept.length !== before.length || record.kind === 'login') {
      memory.set(MEMORY, storedSources(kept))
    }
    return over && matchOver(record, over)
  },
}

function sourcesIn(memory: RuleMemory): readonly LoginSource[] {
  return loginSources(memory.get(MEMORY))
}

function isOver({ isGuessing, failuresMs }: LoginSource, timeMs: number): boolean {
  return isGuessing && timeMs - (failuresMs.at(-1) ?? 0) > FAILURE_WINDOW_MS
}

function matchOver(record: Parameters<typeof matchRecord>[0], over: LoginSource) {
  const { source, address, users, eventId, failuresMs } = over
  return {
    ...matchRecord(record, {
      key: source,
      seen: 'many logins from one place failed, none succeeded',
      detail: `${users.join(', ')} from ${source}`,
      entities: address === '' ? [] : [{ type: 'ip', address }],
      properties: { 'Full Source Address': address, 'User Names': users.join(', ') },
    }),
    // The record that let us notice is not what happened.
    observed: { eventId, timeMs: failuresMs.at(-1) ?? 0 },
  }
}
