import { HubError } from '@twinward/protocol'

/** Readers without an epoch on one partition in one consumer group. IoT Hub's limit is 5. */
export const MAX_READERS_PER_PARTITION = 25

/** A reader as far as its admission goes. */
export interface Contender {
  /** The owner level; absent: it tolerates others. */
  readonly epoch?: bigint | undefined
  /** What it calls itself; for messages. */
  readonly name: string
}

/**
 * Event Hubs' rule of owner levels (10 §6.3), for one partition in one consumer group: a reader with an
 * epoch is alone; it takes the place of readers with a lower or equal epoch and of those without.
 *
 * @returns who has to go
 * @throws {HubError} `LinkCreationConflict` (`amqp:link:stolen`) for the newcomer; `IotHubQuotaExceeded`
 */
export function admitReader<T extends Contender>(
  present: Iterable<T>,
  newcomer: Contender,
): readonly T[] {
  const readers = [...present]
  const owner = readers.find(({ epoch }) => epoch !== undefined)
  const { epoch, name } = newcomer
  if (epoch === undefined) {
    if (owner) {
      throw conflict(
        `At least one receiver is created with epoch of '${owner.epoch}', and so a non-epoch ` +
          'receiver is not allowed: reconnect with a higher epoch, or close all epoch receivers.',
      )
    }
    if (readers.length < MAX_READERS_PER_PARTITION) return []
    throw new HubError(
      'IotHubQuotaExceeded',
      'Exceeded the maximum number of allowed receivers per partition in a consumer group ' +
        `which is ${MAX_READERS_PER_PARTITION}.`,
    )
  }
  if (owner?.epoch !== undefined && owner.epoch > epoch) {
    throw conflict(
      `Receiver '${owner.name}' with a higher epoch '${owner.epoch}' already exists: receiver ` +
        `'${name}' with epoch ${epoch} cannot be created.`,
    )
  }
  return readers
}

/** What a reader is told whose place another takes. */
export function stolenBy({ epoch, name }: Contender, loser: Contender): HubError {
  const current = loser.epoch === undefined ? 'without an epoch' : `with epoch '${loser.epoch}'`
  return conflict(
    `New receiver '${name}' with higher epoch of '${epoch}' is created hence current receiver ` +
      `'${loser.name}' ${current} is getting disconnected.`,
  )
}

function conflict(message: string): HubError {
  return new HubError('LinkCreationConflict', message)
}
