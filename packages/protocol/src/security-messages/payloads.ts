import Type, { type TProperties } from 'typebox'
import {
  AddressOrTag,
  Direction,
  ExtraDetails,
  Flag,
  Guid,
  Integer,
  IpAddress,
  Port,
  Text,
} from './scalars.ts'

const optional = Type.Optional

/** One payload element; every one may carry `ExtraDetails`, and nothing else that is not listed. */
function element<Members extends TProperties>(members: Members, options: object = {}) {
  return Type.Object(
    { ...members, ExtraDetails: optional(ExtraDetails) },
    { additionalProperties: false, description: 'an object', ...options },
  )
}

/** Enumerations that agents spell as their scanner does: `Fail`, `FAIL` and `fail` are one word. */
function word(words: readonly string[]) {
  const spellings = words.flatMap((text) => [text, text.toUpperCase(), text.toLowerCase()])
  return Type.Enum([...new Set(spellings)], { description: oneOf(words) })
}

function exactWord<const Words extends string[]>(words: Words) {
  return Type.Enum(words, { description: oneOf(words) })
}

function oneOf(words: readonly string[]): string {
  return `one of ${words.map((text) => `"${text}"`).join(', ')}`
}

export const ProcessCreate = element({
  Executable: Text,
  ProcessId: Integer,
  ParentProcessId: Integer,
  /** The published schema requires it; the published example of the documentation lacks it. */
  UserId: optional(Text),
  UserName: optional(Text),
  CommandLine: Text,
  /** Not in the published schema; the C# agent writes it. */
  Hash: optional(Text),
})

export const ProcessTerminate = element({
  Executable: Text,
  ProcessId: Integer,
  ExitStatus: Integer,
})

export const ConnectionCreate = element({
  RemoteAddress: IpAddress,
  RemotePort: Port,
  LocalAddress: optional(IpAddress),
  LocalPort: optional(Port),
  Direction,
  Protocol: Text,
  ProcessId: Integer,
  UserId: optional(Text),
  Executable: Text,
  CommandLine: optional(Text),
  /** Not in the published schema; the 2020 security core counts them. */
  BytesIn: optional(Port),
  BytesOut: optional(Port),
})

export const Login = element(
  {
    ProcessId: Integer,
    Operation: Text,
    Executable: Text,
    Result: exactWord(['Fail', 'Success']),
    UserId: optional(Text),
    UserName: optional(Text),
    RemoteAddress: optional(IpAddress),
    RemotePort: optional(Port),
    LocalPort: optional(Port),
  },
  {
    anyOf: [{ required: ['UserId'] }, { required: ['UserName'] }],
    description: 'an object with UserId or UserName',
  },
)

export const ListeningPorts = element({
  LocalPort: Port,
  Protocol: Text,
  LocalAddress: optional(IpAddress),
  RemoteAddress: optional(IpAddress),
  RemotePort: optional(Port),
})

/** Both group lists are joined by `;` and have the same order. */
export const LocalUsers = element({
  UserId: Text,
  UserName: Text,
  GroupIds: Text,
  GroupNames: Text,
})

export const FirewallConfiguration = element({
  Enabled: Flag,
  Action: exactWord(['Allow', 'Deny', 'Other']),
  Priority: optional(Integer),
  Direction: optional(Direction),
  ChainName: optional(Text),
  Application: optional(Text),
  SourceAddress: optional(AddressOrTag),
  SourcePort: optional(Port),
  DestinationAddress: optional(AddressOrTag),
  DestinationPort: optional(Port),
  Protocol: optional(Text),
})

export const OSBaseline = element({
  Description: Text,
  CceId: Text,
  Result: word(['Pass', 'Fail', 'Err', 'Error', 'Skip']),
  Error: Text,
  Severity: word(['Critical', 'Important', 'Warning', 'Informational']),
})

export const SystemInformation = element({
  OSName: optional(Text),
  OSVersion: optional(Text),
  OSVendor: optional(Text),
  OsArchitecture: optional(Text),
  HostName: optional(Text),
  BIOSVersion: optional(Text),
  BootDevice: optional(Text),
  TotalPhysicalMemoryInKB: optional(Integer),
  FreePhysicalMemoryInKB: optional(Integer),
  TotalVirtualMemoryInKB: optional(Integer),
  FreeVirtualMemoryInKB: optional(Integer),
})

/** The second shape is the C# agent's: one text instead of three. */
export const ConnectedHardware = Type.Union(
  [
    element({ HardwareCategory: Text, HardwareSubCategory: Text, HardwareName: Text }),
    element({ ConnectedHardware: Text }),
  ],
  { description: 'an object with HardwareCategory, HardwareSubCategory and HardwareName' },
)

export const Diagnostic = element({
  Severity: exactWord(['Fatal', 'Error', 'Warning', 'Information', 'Debug']),
  Message: Text,
  ProcessId: Integer,
  ThreadId: Integer,
  CorrelationId: optional(Guid),
})

export const ConfigurationError = element({
  ConfigurationName: Text,
  ErrorType: exactWord(['TypeMismatch', 'NotOptimal', 'Conflict']),
  /** JSON text. */
  UsedConfiguration: Text,
  Message: Text,
})

/** Counted since the last report. */
export const DroppedEventsStatistics = element({
  Queue: exactWord(['High', 'Low']),
  CollectedEvents: Integer,
  DroppedEvents: Integer,
})

/** Counted since the last report. */
export const MessageStatistics = element({
  MessagesSent: Integer,
  MessagesUnder4KB: Integer,
  TotalFailed: Integer,
})

/** The 2020 security core's sign of life; it has nothing to say, so anything may be in it. */
export const Heartbeat = Type.Object({}, { description: 'an object' })
