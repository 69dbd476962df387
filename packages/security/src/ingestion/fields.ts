import type { JsonValue } from '@twinward/protocol'

/** Text as it was sent; an absent member is empty. */
export function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : ''
}

/** A port as text; empty when the agent has none to tell, which it says by absence, `""`, `0` or `"0"`. */
export function portOf(value: JsonValue | undefined): string {
  if (typeof value === 'number') return value === 0 ? '' : String(value)
  return value === '0' ? '' : textOf(value)
}

/** `TCP`, `Tcp`, `tcp6` → `tcp`. */
export function protocolOf(value: JsonValue | undefined): string {
  const protocol = textOf(value).toLowerCase()
  return FAMILY_SUFFIXED.has(protocol) ? protocol.slice(0, -1) : protocol
}

const FAMILY_SUFFIXED = new Set(['tcp6', 'udp6', 'raw6', 'icmp6', 'udplite6', 'sctp6', 'dccp6'])

/** Whether an address stands for "any". */
export function isWildcardAddress(value: JsonValue | undefined): boolean {
  return value === '0.0.0.0' || value === '::' || value === '*'
}
