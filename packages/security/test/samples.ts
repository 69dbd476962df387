import type { Alert } from '../src/detection/alert.ts'
import type { PlatformModule } from '../src/platform.ts'
import type { AgentState } from '../src/posture/agent-state.ts'
import type { Recommendation } from '../src/recommendations/recommendation.ts'

/** 2024-01-01, where the fake clock starts. */
export const NOW_MS = Date.UTC(2024, 0, 1)

export function sampleModule(changes: Partial<PlatformModule> = {}): PlatformModule {
  return {
    ref: { deviceId: 'pump-1', moduleId: 'azureiotsecurity' },
    connected: true,
    etag: '1',
    tags: {},
    desired: {},
    desiredVersion: 4,
    desiredUpdatedMs: NOW_MS - 3_600_000,
    reported: {},
    reportedVersion: 1,
    lastActivityMs: NOW_MS,
    ...changes,
  }
}

export function sampleAgent(changes: Partial<AgentState> = {}): AgentState {
  return {
    deviceId: 'pump-1',
    moduleId: 'azureiotsecurity',
    agentVersion: '0.0.6',
    agentId: 'f1f1',
    schema: '1.0',
    lastMessageMs: NOW_MS,
    events: 10,
    hours: [],
    configErrorMs: 0,
    configError: '',
    ...changes,
  }
}

export function sampleAlert(changes: Partial<Alert> = {}): Alert {
  return {
    id: 'alert-1',
    deviceId: 'pump-1',
    alertType: 'IoT_Bruteforce_Success',
    displayName: 'Successful brute force attempt',
    severity: 'High',
    status: 'Active',
    intent: 'CredentialAccess',
    description: '',
    remediationSteps: [],
    techniques: [],
    startTimeMs: NOW_MS,
    endTimeMs: NOW_MS,
    count: 1,
    dedupeKey: 'key',
    entities: [],
    extendedProperties: {},
    evidence: [],
    assignee: '',
    notes: [],
    history: [],
    ...changes,
  }
}

export function sampleRecommendation(changes: Partial<Recommendation> = {}): Recommendation {
  return {
    id: 'IoT_OpenPorts|pump-1',
    deviceId: 'pump-1',
    recommendationType: 'IoT_OpenPorts',
    displayName: 'Open ports on device',
    description: '',
    remediationSteps: [],
    severity: 'Medium',
    state: 'Active',
    discoveredTimeMs: NOW_MS,
    stateChangedMs: NOW_MS,
    resolvedTimeMs: 0,
    reopened: 0,
    additionalData: {},
    exemptReason: '',
    ...changes,
  }
}
