import type { LogRecord, PartitionState } from '../../messages/event-log.ts'
import { encodeMessage } from './wire/message.ts'
import { AmqpMap, type AmqpValue, long, symbol, symbolMap, timestamp } from './wire/values.ts'

/** System properties that travel as application properties (10 §1.1). */
const SYSTEM_APPLICATION = [
  ['iothub-outputname', 'outputName'],
  ['iothub-message-schema', 'messageSchema'],
  ['iothub-creation-time-utc', 'creationTimeUtc'],
] as const

/** What a partition held at a time, for readers that want to hear of it with each event. */
export interface RuntimeMetric {
  readonly state: PartitionState
  readonly atMs: number
}

/** An offset is the sequence number as text. */
export function offsetOf(sequence: number): string {
  return String(sequence)
}

/** An event as its readers get it (10 §6.4). */
export function encodeEvent(record: LogRecord, metric?: RuntimeMetric): Buffer {
  const { message } = record
  const { system, application, body } = message
  return encodeMessage({
    deliveryAnnotations: metric && metricAnnotations(metric),
    annotations: annotationsOf(record),
    properties: {
      messageId: system.messageId,
      userId: system.userId === undefined ? undefined : Buffer.from(system.userId),
      correlationId: system.correlationId,
      contentType: symbolOf(system.contentType),
      contentEncoding: symbolOf(system.contentEncoding),
      absoluteExpiryTime: timeOf(system.expiryTimeUtc),
      creationTime: timeOf(system.creationTimeUtc),
    },
    application: new AmqpMap([
      ...Object.entries(application),
      ...SYSTEM_APPLICATION.flatMap(([name, from]) => {
        const value = system[from]
        return value === undefined ? [] : [[name, value] as const]
      }),
    ]),
    body,
  })
}

function annotationsOf({ sequence, message }: LogRecord): AmqpMap {
  const { ref, system, enqueuedTimeMs, generationId, authMethod, source, modelId } = message
  return symbolMap({
    'x-opt-sequence-number': long(sequence),
    'x-opt-offset': offsetOf(sequence),
    'x-opt-enqueued-time': timestamp(enqueuedTimeMs),
    'x-opt-partition-key': ref.deviceId,
    'iothub-connection-device-id': ref.deviceId,
    'iothub-connection-module-id': ref.moduleId,
    'iothub-connection-auth-method': authMethod || undefined,
    'iothub-connection-auth-generation-id': generationId || undefined,
    'iothub-enqueuedtime': timestamp(enqueuedTimeMs),
    'iothub-message-source': source ?? 'Telemetry',
    'iothub-interface-id': system.interfaceId,
    'dt-dataschema': modelId,
    'dt-subject': system.component,
  })
}

function metricAnnotations({ state, atMs }: RuntimeMetric): AmqpMap {
  return symbolMap({
    last_enqueued_sequence_number: long(state.lastSequence),
    last_enqueued_offset: offsetOf(state.lastSequence),
    last_enqueued_time_utc: timestamp(state.lastEnqueuedMs),
    runtime_info_retrieval_time_utc: timestamp(atMs),
  })
}

function symbolOf(text: string | undefined): AmqpValue | undefined {
  return text === undefined ? undefined : symbol(text)
}

function timeOf(text: string | undefined): AmqpValue | undefined {
  const ms = Date.parse(text ?? '')
  return Number.isNaN(ms) ? undefined : timestamp(ms)
}
