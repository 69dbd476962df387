import type { JsonObject, JsonValue } from '@twinward/protocol'
import type { HardwareMatch } from '../groups/group-settings.ts'
import type { DetailRecord } from '../ingestion/record.ts'
import { ofRecord } from './explain/conditions.ts'
import { matchRecord } from './record-match.ts'
import type { AlertType, Match, Rule } from './rule.ts'

/**
 * A rule on one kind of hardware that is plugged in or pulled out, unless the security group allows
 * that hardware.
 */
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
    conditions: ofRecord<DetailRecord>(
      ['periph'],
      [
        [`it is about ${kind}`, ({ detail }) => word(detail.kind) === kind],
        [`the hardware was ${action}ed`, ({ detail }) => word(detail.action) === action],
      ],
      'the security group does not allow this hardware',
    ),
    evaluate({ record }, _memory, { allowedHardware }) {
      if (record.kind !== 'periph') return undefined
      const { detail } = record as DetailRecord
      const isMeant = word(detail.kind) === kind && word(detail.action) === action
      if (!isMeant || allowedHardware.some((each) => isSameHardware(each, detail))) return undefined
      return matchPeripheral(record as DetailRecord, `${kind} ${action}`)
    },
  }
}

/** Numbers and texts alike, since agents send both. */
function isSameHardware(allowed: HardwareMatch, detail: JsonObject): boolean {
  return Object.entries(allowed).every(
    ([name, value]) => String(value).toLowerCase() === word(detail[name]),
  )
}

/** What a record says of hardware, each in one spelling. */
export function peripheralOf({ detail }: DetailRecord) {
  const { kind, action, bus, interface: name, vendorId, productId } = detail
  const code = [detail.class, detail.subclass, detail.protocol].map(text).join('/')
  return {
    kind: word(kind),
    action: word(action),
    // One port with one kind of device is one thing; its number changes with every plug.
    place: text(name) || `bus ${text(bus)}, class ${code}`,
    vendorId: text(vendorId),
    productId: text(productId),
  }
}

function matchPeripheral(record: DetailRecord, seen: string): Match {
  const { bus, interface: name, vendorId, productId, deviceNumber } = record.detail
  const { class: main, subclass, protocol } = record.detail
  const { place } = peripheralOf(record)
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
