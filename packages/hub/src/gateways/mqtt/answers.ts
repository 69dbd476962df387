import { MAX_IN_FLIGHT, MAX_IN_FLIGHT_BYTES, MAX_READY_BYTES } from './limits.ts'
import type { PacketWriter } from './writer.ts'

/** What a packet is answered with, once that is known. Nothing of it set: nothing is sent. */
export class Answer {
  isReady = false
  /** A finished packet: CONNACK, SUBACK, UNSUBACK, PINGRESP. */
  packet: Buffer | undefined
  /** Packet id to acknowledge; 0 when there is none. */
  pubackId = 0
  /** A PUBLISH of QoS 0, when not empty. */
  topic = ''
  payload = ''
  /** `$version` of the desired properties that the payload shows; 0 when it shows none. */
  desiredVersion = 0
  /** The payload is a change of the desired properties, not the whole twin. */
  isDesiredChange = false
  /** Bytes that are held until the answer is ready. */
  costBytes = 0
  /** Called when the socket has taken it all. */
  whenWritten: (() => void) | undefined
  next: Answer | undefined

  /** Bytes it will take on the wire, near enough. */
  get sizeBytes(): number {
    return 8 + this.topic.length + this.payload.length + (this.packet?.length ?? 0)
  }

  write(writer: PacketWriter): void {
    if (this.packet !== undefined) writer.bytes(this.packet)
    if (this.pubackId !== 0) writer.puback(this.pubackId)
    if (this.topic !== '') writer.publish(this.topic, this.payload)
  }
}

/** What a socket is to call when it has taken them all. */
export function callEach(
  all: readonly (() => void)[] | undefined,
): ((error?: Error | null) => void) | undefined {
  return (
    all &&
    ((error) => {
      if (!error) for (const call of all) call()
    })
  )
}

/** The answers of one connection: they leave in the order of their packets, whenever they are ready. */
export class AnswerQueue {
  /** Work under way: answers that are not ready. */
  inFlight = 0
  inFlightBytes = 0
  /** Of answers that are ready and not yet taken. */
  readyBytes = 0
  #first: Answer | undefined
  #last: Answer | undefined

  /** No further packet may be handled now. */
  get isFull(): boolean {
    return (
      this.inFlight >= MAX_IN_FLIGHT ||
      this.inFlightBytes >= MAX_IN_FLIGHT_BYTES ||
      this.readyBytes >= MAX_READY_BYTES
    )
  }

  get hasReady(): boolean {
    return this.#first?.isReady === true
  }

  /** The place of an answer to come. */
  reserve(costBytes: number): Answer {
    const answer = new Answer()
    answer.costBytes = costBytes
    this.inFlight++
    this.inFlightBytes += costBytes
    this.#append(answer)
    return answer
  }

  settle(answer: Answer): void {
    answer.isReady = true
    this.inFlight--
    this.inFlightBytes -= answer.costBytes
    this.readyBytes += answer.sizeBytes
  }

  /** An answer that is ready at once. */
  add(answer: Answer): void {
    answer.isReady = true
    this.readyBytes += answer.sizeBytes
    this.#append(answer)
  }

  /** The next answer, if it is ready. */
  take(): Answer | undefined {
    const answer = this.#first
    if (answer?.isReady !== true) return undefined
    this.#first = answer.next
    if (this.#first === undefined) this.#last = undefined
    this.readyBytes -= answer.sizeBytes
    return answer
  }

  #append(answer: Answer): void {
    if (this.#last === undefined) this.#first = answer
    else this.#last.next = answer
    this.#last = answer
  }
}
