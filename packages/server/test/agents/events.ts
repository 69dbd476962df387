import { randomUUID } from 'node:crypto'
import type { JsonObject } from '@twinward/protocol'

/** How an agent spells the two times of an event (security 03 §4.3). */
export type TimeSpelling = 'c' | 'csharp' | 'blank'

/** The agents of these tests live two hours east of Greenwich. */
const ZONE_MS = 2 * 3600_000

export interface EventShape {
  readonly name: string
  readonly category?: 'Periodic' | 'Triggered' | 'Aggregated'
  readonly eventType?: 'Security' | 'Operational' | 'Diagnostic'
  readonly payload: readonly JsonObject[]
  readonly times?: TimeSpelling
}

/** One event of the 1.0 envelope. */
export function agentEvent({
  name,
  category = 'Triggered',
  eventType = 'Security',
  payload,
  times = 'c',
}: EventShape): JsonObject {
  return {
    Category: category,
    EventType: eventType,
    Name: name,
    PayloadSchemaVersion: '1.0',
    Id: randomUUID(),
    ...timesOf(times),
    IsEmpty: payload.length === 0,
    Payload: payload,
  }
}

function timesOf(spelling: TimeSpelling): { TimestampLocal: string; TimestampUTC: string } {
  const seconds = (ms: number) => new Date(ms).toISOString().slice(0, 19)
  const utc = seconds(Date.now())
  const local = seconds(Date.now() + ZONE_MS)
  switch (spelling) {
    case 'c':
      // The local time carries the suffix of UTC (W5).
      return { TimestampLocal: `${local}Z`, TimestampUTC: `${utc}Z` }
    case 'csharp':
      // Format "s": no zone at all (W4).
      return { TimestampLocal: local, TimestampUTC: utc }
    case 'blank':
      return {
        TimestampLocal: `${local.replace('T', ' ')}Z`,
        TimestampUTC: `${utc.replace('T', ' ')}Z`,
      }
  }
}

/** The body of a message; no members other than these. */
export function envelope(agentVersion: string, agentId: string, events: readonly JsonObject[]) {
  const body = {
    AgentVersion: agentVersion,
    AgentId: agentId,
    MessageSchemaVersion: '1.0',
    Events: events,
  }
  return Buffer.from(JSON.stringify(body))
}

/** What auditd shows of a miner that was started. */
export const MINER_COMMAND = 'sh -c echo cpuminer-multi'

export function processCreate(commandLine: string): JsonObject {
  return {
    Executable: '/bin/sh',
    CommandLine: commandLine,
    UserId: '1000',
    ProcessId: 4101,
    ParentProcessId: 4100,
    ExtraDetails: { Hash: '' },
  }
}

/** As `netstat -a` lists it: all sockets, listening or not (W7: protocols in lower case). */
export function listeningPorts(count: number, firstPort = 1): readonly JsonObject[] {
  return Array.from({ length: count }, (_, index) => ({
    Protocol: 'tcp6',
    LocalAddress: '::',
    LocalPort: String(firstPort + index),
    RemoteAddress: '::',
    RemotePort: '*',
    ExtraDetails: { Pid: String(1000 + index) },
  }))
}
