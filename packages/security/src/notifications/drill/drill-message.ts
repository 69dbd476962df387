/** The alert that the event of a drill raises, when its rule is on. */
export const DRILL_ALERT_TYPE = 'IoT_CryptoMiner'

/** No process has it: nothing was started anywhere. */
const NO_PROCESS = 0

/**
 * A security message as an agent of version 1.0 would send it, with one event whose id is the drill's:
 * that a shell was told to print the name of a miner, which is the published smoke test of agents.
 */
export function drillMessage(drillId: string, nowMs: number): Uint8Array {
  const time = new Date(nowMs).toISOString()
  const message = {
    AgentVersion: '0.0.6',
    AgentId: drillId,
    MessageSchemaVersion: '1.0',
    Events: [
      {
        EventType: 'Security',
        Category: 'Triggered',
        Name: 'ProcessCreate',
        IsEmpty: false,
        PayloadSchemaVersion: '1.0',
        Id: drillId,
        TimestampLocal: time,
        TimestampUTC: time,
        Payload: [
          {
            Executable: '/bin/sh',
            CommandLine: `sh -c "echo cpuminer-multi twinward-drill-${drillId}"`,
            UserName: 'twinward-drill',
            UserId: '65534',
            ProcessId: NO_PROCESS,
            ParentProcessId: NO_PROCESS,
          },
        ],
      },
    ],
  }
  return Buffer.from(JSON.stringify(message))
}
