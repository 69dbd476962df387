import { isJsonObject, type JsonObject, type JsonValue } from '@twinward/protocol'
import type { SecurityEvent } from '../ingestion/record.ts'

/** What a device says it is. What it does not say is absent. */
export interface Inventory {
  readonly osName?: string
  readonly osVersion?: string
  readonly arch?: string
  readonly vendor?: string
  readonly model?: string
  readonly firmware?: string
  readonly macs?: readonly string[]
  readonly ips?: readonly string[]
}

/** Texts of agents are cut here. */
const MAX_TEXT_CHARACTERS = 64
/** Addresses of one kind that are kept. */
export const MAX_ADDRESSES = 8
/** Network interfaces, and addresses of one, that are looked at. */
const MAX_INTERFACES = 32

/** Names of the same thing in the eras: legacy JSON, micro agent, RTOS. The first that is there counts. */
const NAMES: readonly (readonly [keyof Inventory, readonly string[]])[] = [
  ['osName', ['OSName', 'os_dist', 'os_platform', 'os_info']],
  ['osVersion', ['OSVersion', 'os_version', 'kernel_info']],
  ['arch', ['OsArchitecture', 'OSArchitecture', 'os_arch']],
  ['vendor', ['HardwareVendor', 'hardware_vendor']],
  ['model', ['HardwareModel', 'hardware_model', 'hw_info']],
  ['firmware', ['FirmwareVersion', 'firmware_version', 'BIOSVersion']],
]

/** The inventory that the last `SystemInformation` among the events tells; `undefined` without. Pure. */
export function inventoryIn(events: readonly SecurityEvent[]): Inventory | undefined {
  const payload = events.findLast(
    (event) => event.header.name === 'SystemInformation' && event.payload.length > 0,
  )?.payload[0]
  if (payload === undefined) return undefined
  const extra = isJsonObject(payload.ExtraDetails) ? payload.ExtraDetails : {}
  const said: JsonObject = { ...extra, ...payload }
  const texts = NAMES.flatMap(([member, names]) => {
    const text = firstText(said, names)
    return text === undefined ? [] : [[member, text] as const]
  })
  const infos = arrayOf(said.nics)
    .filter(isJsonObject)
    .flatMap(({ info }) => arrayOf(info))
  const addresses = infos.filter(isJsonObject)
  const macs = addressesIn(addresses, ['mac'])
  const ips = addressesIn(addresses, ['ipv4_address', 'ipv6_address'])
  return {
    ...(Object.fromEntries(texts) as Inventory),
    ...(macs.length > 0 && { macs }),
    ...(ips.length > 0 && { ips }),
  }
}

function firstText(said: JsonObject, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = Object.hasOwn(said, name) ? said[name] : undefined
    const text = typeof value === 'string' ? plainText(value) : ''
    if (text !== '') return text
  }
  return undefined
}

function addressesIn(infos: readonly JsonObject[], names: readonly string[]): readonly string[] {
  const found = new Set<string>()
  for (const info of infos) {
    for (const name of names) {
      const text = firstText(info, [name])
      if (text !== undefined && found.size < MAX_ADDRESSES) found.add(text)
    }
  }
  return [...found]
}

function arrayOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value.slice(0, MAX_INTERFACES) : []
}

/** What an agent says, as a twin can hold it. */
function plainText(text: string): string {
  return text
    .slice(0, MAX_TEXT_CHARACTERS)
    .replace(/\p{Cc}|\p{Surrogate}/gu, '')
    .trim()
}
