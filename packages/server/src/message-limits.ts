import type { HubParts } from './assemble-hub.ts'
import type { Settings } from './config/settings.ts'

const MIB = 1024 * 1024

/** How long messages stay, and how many may wait. */
export function messageLimits(settings: Settings): Pick<HubParts, 'retention' | 'telemetry'> {
  const securityMaxBytes = settings.securityBacklogMaxMib * MIB
  const isEmbedded = settings.securityService === 'embedded'
  return {
    retention: {
      retentionMs: settings.telemetryRetentionHours * 3600_000,
      maxBytes: settings.telemetryMaxMib * MIB,
      ...(!isEmbedded && { securityMaxBytes }),
    },
    // What is dropped at the limit may exceed it for a moment.
    telemetry: { maxSecurityBacklogBytes: isEmbedded ? securityMaxBytes : 2 * securityMaxBytes },
  }
}
