import { sharedCredentialsType } from './credentials/shared-credentials.ts'
import { auditdType, installAgentType } from './device-state.ts'
import { EDGE_TYPES } from './edge.ts'
import { HUB_TYPES } from './hub/assess-hub.ts'
import { weakTlsType } from './hub/weak-tls.ts'
import { recommendationFamilies, recommendationRules } from './index.ts'
import { inconsistentType } from './module-settings.ts'
import type { RecommendationType } from './recommendation.ts'
import { vulnerablePackageType } from './vulnerabilities/assess-packages.ts'

/** Where a recommendation is looked for. */
export type DataSource = 'agent' | 'twin' | 'registry' | 'deployment' | 'hub'

/** A recommendation that this version computes. */
export interface CatalogueEntry {
  readonly type: RecommendationType
  readonly dataSource: DataSource
  /** What it is about: a device each, or the hub itself. */
  readonly scope: 'device' | 'hub'
  /** Its members have types of their own that begin with its name. */
  readonly isFamily: boolean
  /** What it is judged by and when it is resolved, in one sentence. */
  readonly computation: string
}

/** What each is judged by, for people. */
const COMPUTATIONS: Readonly<Record<string, string>> = {
  IoT_OpenPorts:
    'listeners of the last snapshot that others can reach and that the security group does not allow',
  IoT_PermissiveFirewallPolicy:
    'a chain whose policy allows, or no rule at all, in the last firewall snapshot',
  IoT_PermissiveInputFirewallRules:
    'a rule in the last snapshot that allows any source (or a prefix shorter than /16, IPv6 /48) to ' +
    'more than 1,000 ports, and no denial before it for the same',
  IoT_PermissiveOutputFirewallRules:
    'a rule in the last snapshot that allows every destination and port, and no denial before it',
  IoT_Baseline:
    'failed checks or errors above informational in the last baseline snapshot of a legacy agent',
  IoT_CISBenchmarks:
    'one for each check that failed in the last run; an error changes nothing; absent is passed',
  IoT_AgentSendsUnutilizedMessages:
    'at least 10 messages in 24 hours, a tenth of them or more under 4 KB, by the agent’s counters',
  IoT_AgentDropsEvents: 'more than 1 % of the events of 24 hours lost, by the agent’s counters',
  IoT_TwinConfigurationNotOptimal:
    'the agent’s error NotOptimal; resolved when desired changes after it',
  IoT_TwinConfigurationConflict:
    'the agent’s error Conflict; resolved when desired changes after it',
  IoT_VulnerablePackage:
    'packages of the last SBoM that an imported feed says are vulnerable; looked at again when a feed ' +
    'changes',
  IoT_InstallAgent:
    'no security module, or one whose agent was never here, for longer than the grace; resolved by ' +
    'the first sign of the agent',
  IoT_AuditdNotActive:
    'a legacy agent on Linux that is heard, collects processes or connections, and has told of none ' +
    'for 24 hours',
  IoT_PrivilegedDockerOptions: 'create options of the edge deployment',
  IoT_ACRAuthentication: 'registry credentials of the edge deployment',
  IoT_EdgeLoggingOptions: 'log configuration in create options of the edge deployment',
  IoT_EdgeHubMemOptimize:
    'protocol heads of the edge hub that are on and that no module uses; judged where every module ' +
    'says its transport in its environment',
  IoT_InconsistentModuleSettings:
    'settings of a module that at most 5 % of 10 or more edge devices of the group have; every hour',
  IoT_SharedCredentials:
    'a key or certificate thumbprint that identities of several devices have, compared by keyed hash; ' +
    'resolved when the credential changes',
  IoT_VulnerableTLSCipherSuite:
    'a connection to the hub with a suite without forward secrecy, with RC4 or 3DES, or with CBC and ' +
    'SHA-1; resolved by a connection of the same identity without one, or after 7 days without another',
  IoT_IPFilter_DenyAll:
    'no rule of the IP filter rejects 0.0.0.0/0, or none rejects ::/0, on a hub that others than its ' +
    'own machine can reach',
  IoT_IPFilter_PermissiveRule:
    'a rule that accepts a network with a prefix shorter than /16 (IPv6 /48), on a hub that others than ' +
    'its own machine can reach',
  IoT_RecommendedIpRulesByBaseLine:
    'addresses of devices of the last 14 days, in at most 32 networks, while the IP filter lets others ' +
    'in; on a hub that others than its own machine can reach',
  IoT_EnableDiagnosticsLogs:
    'no route stores DeviceLifecycleEvents, or none DeviceConnectionStateEvents, on a hub that others ' +
    'than its own machine can reach',
}

/** Every recommendation, in the order in which they are shown. */
export const CATALOGUE: readonly CatalogueEntry[] = [
  ...recommendationRules().map(({ type, kinds }) => {
    const isTwin = type.recommendationType.startsWith('IoT_TwinConfiguration')
    return entry(type, isTwin && kinds.includes('agent') ? 'twin' : 'agent')
  }),
  ...recommendationFamilies().map(({ type }) => ({ ...entry(type, 'agent'), isFamily: true })),
  entry(vulnerablePackageType, 'agent'),
  entry(installAgentType, 'twin'),
  entry(auditdType, 'agent'),
  ...EDGE_TYPES.map((type) => entry(type, 'deployment')),
  entry(inconsistentType, 'deployment'),
  entry(sharedCredentialsType, 'registry'),
  entry(weakTlsType, 'hub'),
  ...HUB_TYPES.map((type) => ({ ...entry(type, 'hub'), scope: 'hub' as const })),
]

/** Switches that are for several types. */
export const FAMILIES = recommendationFamilies().map(({ type, prefix }) => ({
  name: type.recommendationType,
  prefix,
}))

function entry(type: RecommendationType, dataSource: DataSource): CatalogueEntry {
  const computation = COMPUTATIONS[type.recommendationType] ?? ''
  return { type, dataSource, scope: 'device', isFamily: false, computation }
}
