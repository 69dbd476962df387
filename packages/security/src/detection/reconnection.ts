import type { DetailRecord, SecurityRecord } from '../ingestion/record.ts'
import type { Alert } from './alert.ts'
import { changeStatus, dedupeKey, ENGINE } from './alerts.ts'
import { peripheralOf } from './peripheral-rule.ts'
import { ethernetDisconnection } from './rules/ethernet-disconnection.ts'
import { usbDisconnection } from './rules/usb-disconnection.ts'

/**
 * The key of the alert that hardware is missing, which ends when the same hardware is connected
 * again; `undefined` for every other record.
 */
export function missingKey(record: SecurityRecord): string | undefined {
  if (record.kind !== 'periph') return undefined
  const { kind, action, place } = peripheralOf(record as DetailRecord)
  const rule = kind === 'usb' ? usbDisconnection : ethernetDisconnection
  if (action !== 'connect' || (kind !== 'usb' && kind !== 'ethernet')) return undefined
  const match = { key: place, summary: '', entities: [], extendedProperties: {} }
  return dedupeKey({ rule, record, match, element: 0 })
}

/**
 * The alert after its hardware came back; `undefined` when nobody has to be told: it is closed, it
 * is about a later time, or the hardware in the same place is other hardware. Pure.
 */
export function endDisconnection(
  alert: Alert | undefined,
  record: SecurityRecord,
): Alert | undefined {
  if (alert?.status !== 'Active' && alert?.status !== 'InProgress') return undefined
  const { timeMs } = record.header
  if (timeMs < alert.endTimeMs || !isSame(alert, record as DetailRecord)) return undefined
  const change = { timeMs, by: ENGINE, note: 'The same hardware is connected again.' }
  return { ...changeStatus(alert, { ...change, status: 'Resolved' }), endTimeMs: timeMs }
}

/** What both tell of vendor and product must be the same. */
function isSame({ extendedProperties }: Alert, record: DetailRecord): boolean {
  const { vendorId, productId } = peripheralOf(record)
  const fits = (name: string, value: string) => {
    const before = extendedProperties[name] ?? ''
    return before === '' || value === '' || before.toLowerCase() === value.toLowerCase()
  }
  return fits('Vendor Id', vendorId) && fits('Product Id', productId)
}
