import type { FindingStore, Page } from '../../src/data/finding-store.ts'
import type { Alert } from '../../src/detection/alert.ts'
import type { Rejection } from '../../src/ingestion/record.ts'
import type { AgentState } from '../../src/posture/agent-state.ts'
import type { Recommendation } from '../../src/recommendations/recommendation.ts'

/** What a hostile device can put into any text. */
export const ODD = `'; DROP TABLE alert; -- "ü" 火 \u0000 \ud800 \\ \n`

/** An open alert of pump-1, from 1,000 to 2,000 ms. */
export function alert(id: string, overrides: Partial<Alert> = {}): Alert {
  return {
    id,
    deviceId: 'pump-1',
    alertType: 'IoT_Bruteforce',
    displayName: 'Brute force',
    severity: 'Medium',
    status: 'Active',
    intent: 'CredentialAccess',
    description: 'Many failed logins.',
    remediationSteps: ['Look at the logins.', ODD],
    techniques: ['T1110'],
    startTimeMs: 1_000,
    endTimeMs: 2_000,
    count: 3,
    dedupeKey: `pump-1|IoT_Bruteforce|${id}`,
    entities: [{ type: 'ip', address: '203.0.113.9' }],
    extendedProperties: { UserName: ODD, '': '', ['__proto__']: 'x' },
    evidence: [{ eventId: 'e1', timeMs: 1_000, summary: ODD }],
    assignee: 'someone',
    notes: [{ timeMs: 1_500, by: 'service', text: ODD }],
    history: [{ status: 'Active', timeMs: 1_000, by: 'engine', note: '' }],
    ...overrides,
  }
}

/** An active recommendation of pump-1, changed at 2,000 ms. */
export function recommendation(
  id: string,
  overrides: Partial<Recommendation> = {},
): Recommendation {
  return {
    id,
    deviceId: 'pump-1',
    recommendationType: 'IoT_OpenPorts',
    displayName: 'Open ports',
    description: 'Ports listen.',
    remediationSteps: ['Close them.'],
    severity: 'Medium',
    state: 'Active',
    discoveredTimeMs: 1_000,
    stateChangedMs: 2_000,
    resolvedTimeMs: 0,
    reopened: 1,
    additionalData: { Endpoints: '["0.0.0.0:25324"]', Odd: ODD },
    exemptReason: ODD,
    ...overrides,
  }
}

export function agent(deviceId: string, overrides: Partial<AgentState> = {}): AgentState {
  return {
    deviceId,
    moduleId: 'azureiotsecurity',
    agentVersion: '0.0.6',
    agentId: 'e8a3d9c1-6b54-4a0f-9a53-0c1c3e1f77aa',
    schema: '1.0',
    lastMessageMs: 2_000,
    events: 7,
    hours: [{ hour: 480_000, messages: 3, events: 4, dropped: 1, rejected: 2 }],
    configErrorMs: 1_500,
    configError: ODD,
    ...overrides,
  }
}

/** A refused message of the device. */
export function rejection(sequence: number, deviceId = 'pump-1'): Rejection {
  return {
    ref: { deviceId, moduleId: 'azureiotsecurity' },
    sequence,
    receivedMs: 1_000 + sequence,
    reason: 'Events[0].Payload[0].RemotePort must be a string.',
    excerpt: '{"AgentVersion":"0.0.6"}',
  }
}

/** All items of a list, page by page. */
export async function allPages<T>(
  list: (token: { continuationToken?: string }) => Promise<Page<T>>,
): Promise<T[]> {
  let page = await list({})
  const items = [...page.items]
  while (page.continuationToken !== null) {
    page = await list(tokenOf(page))
    items.push(...page.items)
  }
  return items
}

/** What a filter says to go on after this page. */
export function tokenOf(page: Page<unknown> | undefined): { continuationToken?: string } {
  const token = page?.continuationToken ?? null
  return token === null ? {} : { continuationToken: token }
}

export function ids(items: readonly { readonly id: string }[]): string {
  return items.map(({ id }) => id).join(' ')
}

/** Everything that the store shows, to compare before and after. */
export async function contents(store: FindingStore, deviceIds: readonly string[]) {
  const devices = deviceIds.map(async (deviceId) => [
    await store.findAgent(deviceId),
    await store.findMemory(deviceId),
    await store.openAlerts(deviceId, 1_000),
  ])
  return {
    cursor: await store.cursor(),
    alerts: await allPages((token) => store.listAlerts({ limit: 1_000, ...token })),
    recommendations: await allPages((token) =>
      store.listRecommendations({ limit: 1_000, ...token }),
    ),
    rejections: await allPages((token) => store.listRejections({ limit: 1_000, ...token })),
    devices: await Promise.all(devices),
    summary: await store.summary(),
  }
}
