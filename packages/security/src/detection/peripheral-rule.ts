import type { JsonValue } from '@twinward/protocol'
import type { DetailRecord } from '../ingestion/record.ts'
import { matchRecord } from './record-match.ts'
import type { AlertType, Match, Rule } from './rule.ts'

/** A rule on one kind of hardware that is plugged in or pulled out. */
export function peripheralRule(
  type: AlertType,
  {
    kind,
    action,
  }: { readonly kind: 'usb' | 'ethernet'; readonly action: 'connect' | 'disconnect' },
): Rule {
  return {
    type,
    kinds: ['periph'],
    evaluate({ record }) {
      if (record.kind !== 'periph') return undefined
      const { detail } = record as DetailRecord
      const isMeant = word(detail.kind) === kind && word(detail.action) === action
      return isMeant ? matchPeripheral(record as DetailRecord, `${kind} ${action}`) : undefined
    },
  }
}

function matchPeripheral(record: DetailRecord, seen: string): Match {
  const { bus, interface: name, vendorId, productId, deviceNumber } = record.detail
  const { class: main, subclass, protocol } = record.detail
  const code = [main, subclass, protocol].map(text).join('/')
  // One port with one kind of device is one thing; its number changes with every plug.
  const place = text(name) || `bus ${text(bus)}, class ${code}`
  return matchRecord(record, {
    key: place,
    seen,
    detail: place,
    properties: {
      Bus: text(bus),
      'Device Number': text(deviceNumber),
      'Device Class': text(main),
      'Device Subclass': text(subclass),
      'Device Protocol': text(protocol),
      Interface: text(name),
      'Vendor Id': text(vendorId),
      'Product Id': text(productId),
    },
  })
}

function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''
}

function word(value: JsonValue | undefined): string {
  return text(value).toLowerCase()
}
