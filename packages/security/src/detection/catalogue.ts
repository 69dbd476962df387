import type { Severity } from './alert.ts'

/** One alert of the published catalogue: the facts, before any rule. */
export interface CatalogueEntry {
  readonly number: number
  /** Spelled as published, mistakes included; ours where none was published. */
  readonly alertType: string
  /** Of the micro agent where it has the alert, else of the legacy agents. */
  readonly severity: Severity
  /**
   * The published severity for agents of each era, where it is another; `null`: not offered to
   * them, so `severity` holds.
   */
  readonly legacy?: Severity | null
  readonly micro?: Severity | null
  /** Kinds of records that the rule reads; `lists` are indicators, `time` is silence,
   * `twin` is the state of the security module. */
  readonly sources: string
  /** What of the design is not there yet. */
  readonly missing?: string
  /** Why no rule on records raises it. */
  readonly without?: string
}

/** All alerts that the published service raises for devices. */
export const CATALOGUE: readonly CatalogueEntry[] = [
  { number: 1, alertType: 'IoT_BinaryCommandLine', severity: 'High', sources: 'proc' },
  { number: 2, alertType: 'IoT_DisableFirewall', severity: 'High', sources: 'proc, fw' },
  { number: 3, alertType: 'IoT_PortForwarding', severity: 'High', sources: 'proc' },
  { number: 4, alertType: 'IoT_DisableAuditdLogging', severity: 'High', sources: 'proc' },
  { number: 5, alertType: 'IoT_ReverseShell', severity: 'High', sources: 'proc, conn' },
  {
    number: 6,
    alertType: 'IoT_Bruteforce_Success',
    severity: 'High',
    micro: null,
    sources: 'login',
  },
  { number: 7, alertType: 'IoT_SucessfulLocalLogin', severity: 'High', sources: 'login' },
  { number: 8, alertType: 'IoT_WebShell', severity: 'High', sources: 'proc' },
  {
    number: 9,
    alertType: 'IoT_Ransomware',
    severity: 'High',
    legacy: 'Medium',
    sources: 'proc, file',
  },
  {
    number: 10,
    alertType: 'IoT_CryptoMiner',
    severity: 'High',
    legacy: 'Medium',
    sources: 'proc, conn, lists',
  },
  {
    number: 11,
    alertType: 'IoT_USBConnection',
    severity: 'High',
    legacy: null,
    sources: 'periph',
  },
  {
    number: 12,
    alertType: 'IoT_UsbDisconnection',
    severity: 'High',
    legacy: null,
    sources: 'periph',
  },
  {
    number: 13,
    alertType: 'IoT_EthernetConnection',
    severity: 'High',
    legacy: null,
    sources: 'periph',
  },
  {
    number: 14,
    alertType: 'IoT_EthernetDisconnection',
    severity: 'High',
    legacy: null,
    sources: 'periph',
  },
  {
    number: 15,
    alertType: 'IoT_FileCreated',
    severity: 'High',
    legacy: null,
    sources: 'file',
  },
  {
    number: 16,
    alertType: 'IoT_FileModified',
    severity: 'High',
    legacy: null,
    sources: 'file',
  },
  {
    number: 17,
    alertType: 'IoT_FileDeleted',
    severity: 'High',
    legacy: null,
    sources: 'file',
  },
  { number: 18, alertType: 'IoT_CommonBots', severity: 'Medium', sources: 'proc, conn' },
  { number: 19, alertType: 'IoT_FairwareMalware', severity: 'Medium', sources: 'proc' },
  { number: 20, alertType: 'IoT_CryptoMinerContainer', severity: 'Medium', sources: 'proc' },
  { number: 21, alertType: 'IoT_SuspiciousNohup', severity: 'Medium', sources: 'proc' },
  {
    number: 22,
    alertType: 'IoT_SuspiciousUseradd',
    severity: 'Medium',
    sources: 'proc',
  },
  { number: 23, alertType: 'IoT_ExposedDocker', severity: 'Medium', sources: 'proc, ports' },
  {
    number: 24,
    alertType: 'IoT_FailedLocalLogin',
    severity: 'Medium',
    sources: 'login',
  },
  {
    number: 25,
    alertType: 'IoT_PossibleMalware',
    severity: 'Medium',
    sources: 'proc, conn, lists',
  },
  { number: 26, alertType: 'IoT_AccessingHtaccessFile', severity: 'Medium', sources: 'proc, file' },
  { number: 27, alertType: 'IoT_KnownAttackTools', severity: 'Medium', sources: 'proc' },
  { number: 28, alertType: 'IoT_LinuxReconnaissance', severity: 'Medium', sources: 'proc' },
  { number: 29, alertType: 'IoT_ScriptInterpreterMismatch', severity: 'Medium', sources: 'proc' },
  { number: 30, alertType: 'IoT_LinuxBackdoor', severity: 'Medium', sources: 'proc' },
  { number: 31, alertType: 'IoT_EgressData', severity: 'Medium', sources: 'proc, conn' },
  { number: 32, alertType: 'IoT_PrivilegedContainer', severity: 'Medium', sources: 'proc' },
  { number: 33, alertType: 'IoT_RemovelOfSystemLogs', severity: 'Medium', sources: 'proc, file' },
  {
    number: 34,
    alertType: 'IoT_ExecuteFileWithTrailingSpace',
    severity: 'Medium',
    sources: 'proc',
  },
  { number: 35, alertType: 'IoT_CredentialAccessTools', severity: 'Medium', sources: 'proc' },
  {
    number: 36,
    alertType: 'IoT_SuspiciousCompilation',
    severity: 'Medium',
    sources: 'proc',
  },
  { number: 37, alertType: 'IoT_DownloadFileThenRun', severity: 'Medium', sources: 'proc' },
  { number: 38, alertType: 'IoT_TiConnection', severity: 'Medium', sources: 'conn, lists' },
  {
    number: 39,
    alertType: 'IoT_MaliciousNameQueriesDetection',
    severity: 'Medium',
    legacy: null,
    sources: 'dns, conn, lists',
  },
  {
    number: 40,
    alertType: 'IoT_TwinConfigurationParseFailure',
    severity: 'Medium',
    micro: null,
    sources: 'agent, twin',
  },
  {
    number: 41,
    alertType: 'IoT_OverridingCommonFiles',
    severity: 'Medium',
    micro: null,
    sources: 'proc, file',
  },
  { number: 42, alertType: 'IoT_ClearHistoryFile', severity: 'Low', sources: 'proc' },
  {
    number: 43,
    alertType: 'IoT_DeviceSilent',
    severity: 'Low',
    micro: null,
    sources: 'time',
    without: 'raised by the watch on silence',
  },
  {
    number: 44,
    alertType: 'IoT_Bruteforce_Fail',
    severity: 'Low',
    micro: null,
    sources: 'login',
    missing: 'told with the next record of the device after ten quiet minutes',
  },
  {
    number: 45,
    alertType: 'IoT_LocalUserAddedToGroup',
    severity: 'Low',
    micro: null,
    sources: 'users',
  },
  {
    number: 46,
    alertType: 'IoT_LocalUserRemovedFromGroup',
    severity: 'Low',
    micro: null,
    sources: 'users',
  },
  { number: 47, alertType: 'IoT_LocalUserDeleted', severity: 'Low', micro: null, sources: 'users' },
]

const BY_TYPE: ReadonlyMap<string, CatalogueEntry> = new Map(
  CATALOGUE.map((entry) => [entry.alertType, entry]),
)

/** The published severity of an alert for one era's agents, where it is not the catalogue's own. */
export function eraSeverity(alertType: string, era: 'legacy' | 'micro'): Severity | undefined {
  return BY_TYPE.get(alertType)?.[era] ?? undefined
}
