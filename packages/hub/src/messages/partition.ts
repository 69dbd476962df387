import { createHash } from 'node:crypto'

/** Partitions of the telemetry stream: IoT Hub's default. Security messages have one. */
export const TELEMETRY_PARTITIONS = 4

/** All events of a device and its modules land in one partition, in order. */
export function partitionOf(deviceId: string): number {
  return createHash('sha256').update(deviceId).digest().readUInt32BE(0) % TELEMETRY_PARTITIONS
}
