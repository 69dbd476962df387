import type { AlertStatus, Severity } from '../detection/alert.ts'
import type { Page } from './finding-store.ts'

/** Alerts of one type that began on one UTC day, by severity and status. */
export interface AlertDayCount {
  /** Days since the epoch. */
  readonly day: number
  readonly alertType: string
  readonly severity: Severity
  readonly status: AlertStatus
  readonly count: number
}

/** A device among the alerts of one type and day. */
export interface AlertDayDevice {
  readonly deviceId: string
  readonly alerts: number
  readonly open: number
  /** When the last of them ended. */
  readonly lastMs: number
}

/** Days that one list covers at most. */
export const MAX_LISTED_DAYS = 31
/** Entries of one list; a hub has a few hundred types at most, and seldom all on each day. */
export const MAX_DAY_COUNTS = 50_000

/** The part of the finding store that counts alerts by the day on which they began. */
export interface AlertDayReader {
  /** Newest day first, then by type, severity and status; days inclusive. Nobody counts rows for it. */
  counts(filter: {
    readonly fromDay: number
    readonly toDay: number
    readonly alertType?: string
  }): Promise<readonly AlertDayCount[]>
  /** By device id. @throws {HubError} as the lists of the finding store */
  devices(filter: {
    readonly alertType: string
    readonly day: number
    readonly limit: number
    readonly continuationToken?: string
  }): Promise<Page<AlertDayDevice>>
}
