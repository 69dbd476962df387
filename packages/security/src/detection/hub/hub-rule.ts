import type { HubEvent } from '../../activity/hub-activity.ts'
import type { SecurityRecord } from '../../ingestion/record.ts'
import type { AlertEntity } from '../alert.ts'
import { matchRecord } from '../record-match.ts'
import type { AlertType, Match, Rule } from '../rule.ts'

/** What a rule on one kind of event looks for. */
interface Wanted {
  readonly kind: string
  readonly outcome: HubEvent['outcome']
  /** Default: any. */
  readonly reason?: string
  /** A clause. */
  readonly seen: string
  /** By which part of the event repeats are told from other finds; default: all are one. */
  readonly key?: (event: HubEvent) => string
}

/** A rule that a single event of the hub decides. */
export function hubRule(type: AlertType, wanted: Wanted): Rule {
  const { kind, outcome, reason, seen, key = () => '' } = wanted
  return {
    type,
    kinds: ['hub'],
    evaluate({ record }) {
      if (record.kind !== 'hub') return undefined
      const { event } = record
      const isIt = event.kind === kind && event.outcome === outcome
      if (!isIt || (reason !== undefined && event.reason !== reason)) return undefined
      return matchEvent(record, event, { key: key(event), seen })
    },
  }
}

/** The match of a rule on an event, with all that the event says. */
export function matchEvent(
  record: SecurityRecord,
  event: HubEvent,
  { key, seen }: { readonly key: string; readonly seen: string },
): Match {
  const { reason = '', ref, principal = '', address = '', subject = '', detail = '' } = event
  const ip: readonly AlertEntity[] = address === '' ? [] : [{ type: 'ip', address }]
  const account: readonly AlertEntity[] =
    principal === '' ? [] : [{ type: 'account', name: principal }]
  const told = { Principal: principal, Address: address, Subject: subject, Reason: reason }
  const times = event.count > 1 ? `${event.count} times` : ''
  const connected = event.isConnected ? 'while the identity itself was connected' : ''
  const parts = [subject, detail, principal && `by ${principal}`, address && `from ${address}`]
  return matchRecord(record, {
    key,
    seen,
    detail: [...parts, times, connected].filter((part) => part !== '').join(', '),
    entities: [...account, ...ip],
    properties: {
      ...Object.fromEntries(Object.entries(told).filter(([, value]) => value !== '')),
      ...(ref?.moduleId !== undefined && { ModuleId: ref.moduleId }),
      ...(event.isConnected !== undefined && {
        'Connected At The Time': String(event.isConnected),
      }),
    },
  })
}
