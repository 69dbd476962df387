import { desiredChangeTopic, type JsonObject } from '@twinward/protocol'
import type { Notice } from '../../bus.ts'
import { Answer } from './answers.ts'
import type { Connection } from './connection.ts'
import { DesiredSequence, GAP_MS } from './desired.ts'
import type { PacketWriter } from './writer.ts'

/**
 * Tells one session what is desired of it:
 *
 *     ← $iothub/twin/PATCH/properties/desired/?$version=7    {"fan":{"rpm":900},"$version":7}
 */
export class DesiredChanges {
  readonly #connection: Connection
  readonly #sequence = new DesiredSequence()
  #isWaiting = false

  constructor(connection: Connection) {
    this.#connection = connection
  }

  changed(
    { patch, version }: Extract<Notice, { kind: 'desired-changed' }>,
    isSubscribed: boolean,
  ): void {
    if (!isSubscribed) {
      this.#sequence.skip(version)
      return
    }
    const answer = new Answer()
    answer.topic = desiredChangeTopic(version)
    answer.payload = JSON.stringify({ ...withoutMetadata(patch), $version: version })
    answer.desiredVersion = version
    answer.isDesiredChange = true
    this.#connection.send(answer)
  }

  /** Lets an answer with desired properties out when its version's turn has come. */
  pass(answer: Answer, writer: PacketWriter): void {
    this.#sequence.pass(answer, writer)
  }

  /** A gap that stays means that a notice was lost: the device connects and reads again. */
  checkGap(): void {
    if (this.#sequence.isOverfull) this.#fail()
    else if (this.#sequence.hasGap && !this.#isWaiting) void this.#waitForMissing()
  }

  async #waitForMissing(): Promise<void> {
    this.#isWaiting = true
    while (this.#connection.isOpen && this.#sequence.hasGap) {
      const { missing } = this.#sequence
      await this.#connection.parts.hub.clock.sleep(GAP_MS)
      if (this.#sequence.hasGap && this.#sequence.missing === missing) this.#fail()
    }
    this.#isWaiting = false
  }

  #fail(): void {
    const { missing } = this.#sequence
    this.#connection.fail(`version ${missing} of its desired properties is missing`)
  }
}

/** SDKs of services send whole twins back, but a device is not told metadata (02 §4.2). */
function withoutMetadata(patch: JsonObject): JsonObject {
  if (!Object.hasOwn(patch, '$metadata')) return patch
  return Object.fromEntries(Object.entries(patch).filter(([key]) => key !== '$metadata'))
}
