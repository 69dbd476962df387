/** What the property `mti` of a message says about its body: `2.3-1-0-0`. */
export interface MessageTypeIndicator {
  /** Version of the schema: `2.0` of NetX Duo 6.1 to 6.1.5, `2.3` from 6.1.6. */
  readonly version: string
  readonly encoding: 'json' | 'flatbuffers'
  readonly source: 'rtos' | 'linux'
}

const MAX_INDICATOR_CHARACTERS = 32

/**
 * Reads a message type indicator, `major.minor-E-S-T`: encoding 0 is JSON and 1 FlatBuffers, source
 * 0 is Azure RTOS and 1 Linux, and the only type, 0, is raw security events.
 *
 * @returns why it cannot be followed, as text for a person, when it is none of these
 */
export function readMessageTypeIndicator(mti: string): MessageTypeIndicator | string {
  const shown = mti.slice(0, MAX_INDICATOR_CHARACTERS)
  const parts = /^(\d{1,3}\.\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})$/.exec(shown)
  if (!parts || shown !== mti) return `mti ${JSON.stringify(shown)}: expected major.minor-E-S-T`
  const [, version = '', encoding, source, type] = parts
  if (encoding !== '0' && encoding !== '1') return `mti ${mti}: the encoding ${encoding} is unknown`
  if (source !== '0' && source !== '1') return `mti ${mti}: the source ${source} is unknown`
  if (type !== '0') return `mti ${mti}: the message type ${type} is unknown`
  if (encoding === '1' && !version.startsWith('2.')) {
    return `mti ${mti}: binary messages of schema ${version} are unknown`
  }
  return {
    version,
    encoding: encoding === '1' ? 'flatbuffers' : 'json',
    source: source === '1' ? 'linux' : 'rtos',
  }
}
